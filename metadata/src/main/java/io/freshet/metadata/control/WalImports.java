// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.freshet.metadata.state.WalView;
import java.util.List;

/** What others have brought in from lanes that only a dead broker could read. Metadata thread. */
final class WalImports {
    private WalImports() {}

    /** One batch: the WAL, its seal, and that no other lane holds anything of the registration. */
    static Decision<Boolean> bringIn(Speculation state, int brokerId, long brokerEpoch, WalSeal seal) {
        MemberState member = state.manifests().members().member(brokerId);
        if (member == null || member.brokerEpoch() != brokerEpoch || !member.isLapsed()) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Broker " + brokerId + ", epoch " + brokerEpoch
                            + ", is not one whose session is over: it is back, or never ended; leave its WAL to it");
        }
        WalView wals = state.manifests().wals();
        boolean hasRecords = !seal.streamEnds().isEmpty();
        if (member.walLanes().stream().allMatch(FailoverPlanner.SHARED_LANE::equals)) {
            if (hasRecords && !isKnown(wals, seal)) {
                throw invalid(brokerId, "was brought in by another process; nothing is left to do");
            }
            return Decision.of(List.of(), true);
        }
        MemberRecord freed = new MemberRecord(
                new MemberState(brokerId, brokerEpoch, true, member.isDrained(), List.of(FailoverPlanner.SHARED_LANE)));
        if (!hasRecords) {
            return Decision.of(List.of(freed.versioned()), true);
        }
        requireNew(state, brokerId, brokerEpoch, seal);
        return Decision.of(
                List.of(
                        new OpenWalRecord(brokerId, seal.brokerEpoch()).versioned(),
                        new SealWalRecord(seal).versioned(),
                        freed.versioned()),
                true);
    }

    private static boolean isKnown(WalView wals, WalSeal seal) {
        WalState wal = wals.wal(seal.brokerId(), seal.brokerEpoch());
        return wals.isBelowRetired(seal.brokerId(), seal.brokerEpoch())
                || (wal != null && wal.sealedEndSlot() == seal.endSlot());
    }

    /** The WAL's epoch is above the registration's, and below that of any that may follow: those are above all offsets so far. */
    private static void requireNew(Speculation state, int brokerId, long brokerEpoch, WalSeal seal) {
        WalView wals = state.manifests().wals();
        long lastOffset = state.image().provenance().lastContainedOffset();
        if (seal.brokerId() != brokerId || seal.brokerEpoch() <= brokerEpoch || seal.brokerEpoch() > lastOffset) {
            throw invalid(
                    brokerId,
                    "cannot be known as that of broker " + seal.brokerId() + ", epoch " + seal.brokerEpoch()
                            + ": the epoch has to be in " + (brokerEpoch + 1) + ".." + lastOffset);
        }
        if (wals.wal(brokerId, seal.brokerEpoch()) != null || wals.isBelowRetired(brokerId, seal.brokerEpoch())) {
            throw invalid(brokerId, "cannot be known under epoch " + seal.brokerEpoch() + ", which another WAL has");
        }
        if (seal.endSlot() < 1 || seal.streamEnds().values().stream().anyMatch(end -> end < 1)) {
            throw invalid(brokerId, "needs slots, and streams that end above offset 0");
        }
    }

    private static FreshetException invalid(int brokerId, String what) {
        return new FreshetException(
                ErrorKind.INVALID, "What a lane of broker " + brokerId + " held, brought in as a WAL, " + what);
    }
}
