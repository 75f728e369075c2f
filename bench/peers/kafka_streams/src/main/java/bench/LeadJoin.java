package bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Touches and requests of a customer become leads, first click first. */
final class LeadJoin implements Processor<String, Events.AtCustomer, String, Events.Lead> {
    private static final long HOLD = Duration.ofHours(24).toMillis();
    private static final long WINDOW = Duration.ofDays(365).toMillis();
    private static final Comparator<Visit> EARLIEST =
            Comparator.comparingLong(Visit::deferredMs).thenComparing(visit -> visit.click().clickId());
    private static final Comparator<Events.LeadEvent> IN_ORDER =
            Comparator.comparingLong(Events.LeadEvent::at).thenComparing(Events.LeadEvent::eventId);

    record Visit(long deferredMs, String deferredAt, Events.Click click, String name, String email) {}

    /** What a lead was made of when it was last written. */
    record Emitted(int revision, String eventId, String clickId, long deferredMs) {}

    record State(List<Visit> visits, Map<String, List<Events.LeadEvent>> requests, Map<String, Emitted> emitted) {
        State() {
            this(new ArrayList<>(), new HashMap<>(), new HashMap<>());
        }

        /** Values of a cached store must not be changed in place. */
        State copy() {
            Map<String, List<Events.LeadEvent>> copied = new HashMap<>();
            requests.forEach((key, list) -> copied.put(key, new ArrayList<>(list)));
            return new State(new ArrayList<>(visits), copied, new HashMap<>(emitted));
        }
    }

    private ProcessorContext<String, Events.Lead> context;
    private KeyValueStore<String, State> customers;

    @Override
    public void init(ProcessorContext<String, Events.Lead> context) {
        this.context = context;
        this.customers = context.getStateStore(Pipeline.CUSTOMERS);
    }

    @Override
    public void process(Record<String, Events.AtCustomer> record) {
        State before = customers.get(record.key());
        State state = before == null ? new State() : before.copy();
        boolean changed = false;
        if (record.value() instanceof Events.Touch touch) {
            changed = visit(state, touch);
            if (!touch.event().deferred()) {
                changed |= request(state, touch.event());
            }
        } else if (record.value() instanceof Events.LeadEvent event) {
            changed = request(state, event);
        }
        if (changed) {
            state.requests().forEach((key, requests) -> emit(record, state, key, requests));
            customers.put(record.key(), state);
        }
    }

    private static boolean visit(State state, Events.Touch touch) {
        Events.LeadEvent event = touch.event();
        Visit now = new Visit(event.at(), event.timestamp(), touch.click(), event.customerName(), event.customerEmail());
        for (int i = 0; i < state.visits().size(); i++) {
            Visit known = state.visits().get(i);
            if (known.click().clickId().equals(touch.click().clickId())) {
                if (known.deferredMs() <= now.deferredMs()) {
                    return false;
                }
                state.visits().set(i, now);
                return true;
            }
        }
        state.visits().add(now);
        return true;
    }

    private static boolean request(State state, Events.LeadEvent event) {
        List<Events.LeadEvent> requests =
                state.requests().computeIfAbsent(event.eventKey(), key -> new ArrayList<>());
        if (requests.stream().anyMatch(known -> known.eventId().equals(event.eventId()))) {
            return false;
        }
        requests.add(event);
        requests.sort(IN_ORDER);
        return true;
    }

    private void emit(
            Record<String, Events.AtCustomer> record, State state, String key, List<Events.LeadEvent> requests) {
        for (Events.LeadEvent request : requests) {
            Optional<Visit> found = eligible(state, request);
            if (found.isPresent()) {
                Visit visit = found.get();
                Emitted before = state.emitted().get(key);
                int revision = before == null ? 0 : before.revision();
                String clickId = visit.click().clickId();
                if (!new Emitted(revision, request.eventId(), clickId, visit.deferredMs()).equals(before)) {
                    state.emitted().put(key, new Emitted(revision + 1, request.eventId(), clickId, visit.deferredMs()));
                    context.forward(record.withValue(lead(key, request, visit, revision + 1)));
                }
                return;
            }
        }
    }

    private static Optional<Visit> eligible(State state, Events.LeadEvent request) {
        long at = request.at();
        return state.visits().stream()
                .filter(visit -> visit.deferredMs() <= at + HOLD && at - visit.deferredMs() <= WINDOW)
                .filter(visit -> !request.namesClick() || request.clickId().equals(visit.click().clickId()))
                .min(EARLIEST);
    }

    private static Events.Lead lead(String key, Events.LeadEvent request, Visit visit, int revision) {
        String identity = request.workspaceId() + '\u001f' + request.customerExternalId() + '\u001f' + key;
        return new Events.Lead(
                "ld_" + Ids.blake2b(identity),
                revision,
                request.workspaceId(),
                request.eventName(),
                request.eventQuantity() == null ? 1 : request.eventQuantity(),
                request.timestamp(),
                visit.deferredAt(),
                request.eventId(),
                request.metadata(),
                new Events.Person(request.customerExternalId(), visit.name(), visit.email()),
                visit.click());
    }
}
