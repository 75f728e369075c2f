package bench;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Locale;

/** What travels in W2. */
final class Events {
    private Events() {}

    sealed interface AtClick permits Click, LeadEvent {}

    sealed interface AtCustomer permits Touch, LeadEvent {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Click(
            String clickId,
            long timestamp,
            boolean bot,
            Boolean trackConversion,
            String url,
            String country,
            String city,
            String region,
            String continent,
            String device,
            String browser,
            String os,
            String referer,
            String refererUrl,
            String trigger,
            boolean qr,
            String linkId,
            String domain,
            String key,
            String partnerId,
            String programId)
            implements AtClick {
        /** True unless the link says otherwise. */
        boolean tracked() {
            return trackConversion == null || trackConversion;
        }
    }

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record LeadEvent(
            String workspaceId,
            String eventName,
            String customerExternalId,
            String timestamp,
            String eventId,
            String clickId,
            String mode,
            String customerName,
            String customerEmail,
            Integer eventQuantity,
            JsonNode metadata)
            implements AtClick, AtCustomer {
        long at() {
            return Instant.parse(timestamp).toEpochMilli();
        }

        boolean deferred() {
            return "deferred".equals(mode);
        }

        boolean namesClick() {
            return clickId != null && !clickId.isEmpty();
        }

        String eventKey() {
            return eventName.strip().toLowerCase(Locale.ROOT).replaceAll("\\s+", "-");
        }
    }

    record Touch(Click click, LeadEvent event) implements AtCustomer {}

    record Person(String externalId, String name, String email) {}

    record Lead(
            String leadId,
            int revision,
            String workspaceId,
            String eventName,
            int quantity,
            String timestamp,
            String deferredAt,
            String eventId,
            JsonNode metadata,
            Person customer,
            Click click) {}
}
