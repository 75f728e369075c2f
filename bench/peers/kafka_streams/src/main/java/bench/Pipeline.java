package bench;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** W2's core: two joins with two keys, and a topic of touches in between. */
final class Pipeline {
    static final String CLICKS = "clicks";
    static final String CUSTOMERS = "customers";

    private Pipeline() {}

    static Topology topology(String clicks, String deferred, String qualifications, String touches, String leads) {
        var key = Serdes.String();
        var events = new Json<>(Events.LeadEvent.class);
        var touch = new Json<>(Events.Touch.class);
        return new Topology()
                .addSource("clicks", key.deserializer(), new Json<>(Events.Click.class).deserializer(), clicks)
                .addSource("deferred", key.deserializer(), events.deserializer(), deferred)
                .addProcessor("click-join", ClickJoin::new, "clicks", "deferred")
                .addStateStore(store(CLICKS, ClickJoin.State.class), "click-join")
                .addSink("touches-out", touches, key.serializer(), touch.serializer(), "click-join")
                .addSource("touches", key.deserializer(), touch.deserializer(), touches)
                .addSource("qualifications", key.deserializer(), events.deserializer(), qualifications)
                .addProcessor("lead-join", LeadJoin::new, "touches", "qualifications")
                .addStateStore(store(CUSTOMERS, LeadJoin.State.class), "lead-join")
                .addSink("leads", leads, key.serializer(), new Json<>(Events.Lead.class).serializer(), "lead-join");
    }

    private static <T> StoreBuilder<KeyValueStore<String, T>> store(String name, Class<T> type) {
        return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), new Json<>(type))
                .withCachingEnabled();
    }
}
