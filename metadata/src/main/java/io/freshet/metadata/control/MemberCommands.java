// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.errors.BrokerIdNotRegisteredException;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.metadata.BrokerRegistrationChangeRecord;
import org.apache.kafka.common.metadata.UnregisterBrokerRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.BrokerRegistrationFencingChange;
import org.apache.kafka.metadata.BrokerRegistrationInControlledShutdownChange;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** What becomes of heartbeats, and of their absence. Metadata thread. */
final class MemberCommands {
    /** The first version that knows of controlled shutdown. */
    private static final short CHANGE_VERSION = 1;

    private MemberCommands() {}

    /** The registration that the heartbeat is of; FENCED if it is not the newest. */
    static BrokerRegistration require(MetadataImage image, BrokerHeartbeat heartbeat) {
        StreamCommands.requireBrokerEpoch(image, heartbeat.brokerId(), heartbeat.brokerEpoch());
        BrokerRegistration known = image.cluster().broker(heartbeat.brokerId());
        if (known == null) {
            throw new IllegalStateException("Broker " + heartbeat.brokerId() + " has an epoch but no registration");
        }
        return known;
    }

    /** Whether the registration has to change for what the heartbeat says. */
    static boolean isChange(BrokerRegistration known, BrokerHeartbeat heartbeat) {
        return (known.fenced() && mayServe(heartbeat)) || (heartbeat.wantsShutdown() && !known.inControlledShutdown());
    }

    /** Its own image must have got as far as its registration. */
    private static boolean mayServe(BrokerHeartbeat heartbeat) {
        return heartbeat.isReady() && heartbeat.appliedOffset() >= heartbeat.brokerEpoch();
    }

    /** Unfences the broker, or notes that it wants to stop. */
    static Decision<Boolean> follow(Speculation state, BrokerHeartbeat heartbeat) {
        BrokerRegistration known = require(state.image(), heartbeat);
        MemberState member = state.manifests().members().member(heartbeat.brokerId());
        if ((member != null && member.isLapsed()) || !isChange(known, heartbeat)) {
            return Decision.of(List.of(), true);
        }
        BrokerRegistrationChangeRecord change =
                new BrokerRegistrationChangeRecord().setBrokerId(known.id()).setBrokerEpoch(known.epoch());
        if (known.fenced() && mayServe(heartbeat)) {
            change.setFenced(BrokerRegistrationFencingChange.UNFENCE.value());
        }
        if (heartbeat.wantsShutdown() && !known.inControlledShutdown()) {
            change.setInControlledShutdown(BrokerRegistrationInControlledShutdownChange.IN_CONTROLLED_SHUTDOWN.value());
        }
        return Decision.of(List.of(versioned(change)), true);
    }

    /** The session of this registration is over: it is fenced, and never comes back under the same epoch. */
    static Decision<Boolean> lapse(Speculation state, int brokerId, long brokerEpoch) {
        BrokerRegistration known = state.image().cluster().broker(brokerId);
        MemberState member = state.manifests().members().member(brokerId);
        if (known == null || known.epoch() != brokerEpoch || (member != null && member.isLapsed())) {
            return Decision.of(List.of(), false);
        }
        List<ApiMessageAndVersion> records = new ArrayList<>();
        if (!known.fenced()) {
            records.add(versioned(new BrokerRegistrationChangeRecord()
                    .setBrokerId(brokerId)
                    .setBrokerEpoch(brokerEpoch)
                    .setFenced(BrokerRegistrationFencingChange.FENCE.value())));
        }
        records.add(new MemberRecord(presentMember(state, known).lapsed()).versioned());
        return Decision.of(records, true);
    }

    static Decision<Boolean> drain(Speculation state, int brokerId, boolean isDrained) {
        MemberState member = presentMember(state, requireRegistered(state.image(), brokerId));
        return member.isDrained() == isDrained
                ? Decision.of(List.of(), false)
                : Decision.of(List.of(new MemberRecord(member.drained(isDrained)).versioned()), true);
    }

    static Decision<Boolean> unregister(Speculation state, int brokerId) {
        BrokerRegistration known = requireRegistered(state.image(), brokerId);
        MemberState member = presentMember(state, known);
        if (!member.isLapsed()) {
            throw new InvalidRequestException("Broker " + brokerId
                    + " is alive, or was a moment ago; stop it, and try again when its session is over");
        }
        return Decision.of(
                List.of(new ApiMessageAndVersion(
                        new UnregisterBrokerRecord().setBrokerId(brokerId).setBrokerEpoch(known.epoch()), (short) 0)),
                true);
    }

    private static BrokerRegistration requireRegistered(MetadataImage image, int brokerId) {
        BrokerRegistration known = image.cluster().broker(brokerId);
        if (known == null) {
            throw new BrokerIdNotRegisteredException("Broker ID " + brokerId + " is not currently registered");
        }
        return known;
    }

    /** What is kept of a registered broker; one of an older version has nothing yet. */
    private static MemberState presentMember(Speculation state, BrokerRegistration known) {
        MemberState member = state.manifests().members().member(known.id());
        return member == null ? new MemberState(known.id(), known.epoch(), false, false, List.of()) : member;
    }

    private static ApiMessageAndVersion versioned(BrokerRegistrationChangeRecord change) {
        return new ApiMessageAndVersion(change, CHANGE_VERSION);
    }
}
