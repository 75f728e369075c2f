package bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** W1: the first deferred event and the first qualification of a customer make a lead, in whatever order. */
final class CustomerJoin implements Processor<String, CustomerJoin.Event, String, CustomerJoin.Lead> {
    sealed interface Event permits Deferred, Qualified {}

    record Deferred(
            String clickId,
            String workspaceId,
            String customerExternalId,
            String eventName,
            String customerName,
            String customerEmail,
            String linkId,
            String partnerId,
            JsonNode metadata)
            implements Event {}

    record Qualified(String eventId, long timestamp, int eventQuantity, JsonNode metadata) implements Event {}

    record Lead(
            String leadId,
            String clickId,
            String workspaceId,
            String customerExternalId,
            String eventName,
            String customerName,
            String customerEmail,
            String linkId,
            String partnerId,
            JsonNode metadata,
            Qualified qualifiedBy) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record State(Deferred click, boolean emitted, Qualified waiting) {}

    private static final String STORE = "customers";

    private ProcessorContext<String, Lead> context;
    private KeyValueStore<String, State> customers;

    static Topology topology(String deferred, String qualified, String leads) {
        var key = Serdes.String();
        var store =
                Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), key, new Json<>(State.class))
                        .withCachingEnabled();
        return new Topology()
                .addSource("deferred", key.deserializer(), new Json<>(Deferred.class).deserializer(), deferred)
                .addSource("qualified", key.deserializer(), new Json<>(Qualified.class).deserializer(), qualified)
                .addProcessor("join", CustomerJoin::new, "deferred", "qualified")
                .addStateStore(store, "join")
                .addSink("leads", leads, key.serializer(), new Json<>(Lead.class).serializer(), "join");
    }

    @Override
    public void init(ProcessorContext<String, Lead> context) {
        this.context = context;
        this.customers = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, Event> record) {
        State before = customers.get(record.key());
        if (record.value() instanceof Deferred click) {
            onDeferred(record, before, click);
        } else if (record.value() instanceof Qualified qualified) {
            onQualified(record, before, qualified);
        }
    }

    private void onDeferred(Record<String, Event> record, State before, Deferred click) {
        if (before == null) {
            customers.put(record.key(), new State(click, false, null));
        } else if (before.click() == null) {
            customers.put(record.key(), new State(click, before.waiting() != null, null));
            if (before.waiting() != null) {
                emit(record, click, before.waiting());
            }
        }
    }

    private void onQualified(Record<String, Event> record, State before, Qualified qualified) {
        if (before == null) {
            customers.put(record.key(), new State(null, false, qualified));
        } else if (before.click() != null && !before.emitted()) {
            customers.put(record.key(), new State(before.click(), true, null));
            emit(record, before.click(), qualified);
        }
    }

    private void emit(Record<String, Event> record, Deferred click, Qualified by) {
        String id = Ids.blake2b(click.workspaceId() + '\u001f' + click.customerExternalId() + '\u001f' + click.eventName());
        context.forward(
                record.withValue(
                        new Lead(
                                id,
                                click.clickId(),
                                click.workspaceId(),
                                click.customerExternalId(),
                                click.eventName(),
                                click.customerName(),
                                click.customerEmail(),
                                click.linkId(),
                                click.partnerId(),
                                click.metadata(),
                                by)));
    }
}
