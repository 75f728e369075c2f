package bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** A click, and the lead events that name it, whichever comes first. */
final class ClickJoin implements Processor<String, Events.AtClick, String, Events.Touch> {
    /** A click, or what waits for it. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record State(Events.Click click, List<Events.LeadEvent> held) {}

    private ProcessorContext<String, Events.Touch> context;
    private KeyValueStore<String, State> clicks;

    @Override
    public void init(ProcessorContext<String, Events.Touch> context) {
        this.context = context;
        this.clicks = context.getStateStore(Pipeline.CLICKS);
    }

    @Override
    public void process(Record<String, Events.AtClick> record) {
        State before = clicks.get(record.key());
        if (record.value() instanceof Events.Click click) {
            onClick(record, before, click);
        } else if (record.value() instanceof Events.LeadEvent event) {
            onLeadEvent(record, before, event);
        }
    }

    private void onClick(Record<String, Events.AtClick> record, State before, Events.Click click) {
        if (click.bot() || (before != null && before.click() != null)) {
            return;
        }
        clicks.put(record.key(), new State(click, null));
        if (before != null && click.tracked()) {
            before.held().forEach(event -> join(record, click, event));
        }
    }

    private void onLeadEvent(Record<String, Events.AtClick> record, State before, Events.LeadEvent event) {
        if (before != null && before.click() != null) {
            if (before.click().tracked()) {
                join(record, before.click(), event);
            }
            return;
        }
        List<Events.LeadEvent> held = before == null ? new ArrayList<>() : new ArrayList<>(before.held());
        if (held.stream().noneMatch(one -> one.eventId().equals(event.eventId()))) {
            held.add(event);
            clicks.put(record.key(), new State(null, held));
        }
    }

    private void join(Record<String, Events.AtClick> record, Events.Click click, Events.LeadEvent event) {
        String key = event.workspaceId() + ':' + event.customerExternalId();
        context.forward(record.withKey(key).withValue(new Events.Touch(click, event)));
    }
}
