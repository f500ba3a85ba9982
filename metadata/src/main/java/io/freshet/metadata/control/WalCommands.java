// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.record.RetireWalRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.record.TrimWalRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.freshet.metadata.state.ManifestView.StreamBounds;
import io.freshet.metadata.state.WalView;
import java.util.List;
import org.apache.kafka.metadata.BrokerRegistration;

/**
 * Commands on S3 WALs. A WAL is open, then sealed, then retired, and never goes back. While it is open only the process
 * that its owner's registration names may change it; once sealed, whoever recovers it may trim and retire it. Metadata
 * thread.
 */
final class WalCommands {
    private WalCommands() {}

    static Decision<Boolean> open(Speculation state, int brokerId, long brokerEpoch) {
        StreamCommands.requireBrokerEpoch(state.image(), brokerId, brokerEpoch);
        WalView wals = state.manifests().wals();
        WalState wal = wals.wal(brokerId, brokerEpoch);
        if (wals.isBelowRetired(brokerId, brokerEpoch) || (wal != null && wal.isSealed())) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    name(brokerId, brokerEpoch) + " is sealed or retired: another process has taken it over;"
                            + " register anew and open a WAL of the new epoch");
        }
        return wal == null ? changed(new OpenWalRecord(brokerId, brokerEpoch)) : unchanged();
    }

    static Decision<Boolean> seal(Speculation state, WalSeal seal) {
        WalView wals = state.manifests().wals();
        WalState wal = wals.wal(seal.brokerId(), seal.brokerEpoch());
        String name = name(seal.brokerId(), seal.brokerEpoch());
        if (wal == null) {
            throw invalid(name + " was never opened, or is retired already; read the list of WALs again");
        }
        if (wal.isSealed()) {
            boolean isSame = wal.sealedEndSlot() == seal.endSlot()
                    && wals.streamEnds(seal.brokerId(), seal.brokerEpoch()).equals(seal.streamEnds());
            if (!isSame) {
                throw invalid(
                        name + " is sealed already at slot " + wal.sealedEndSlot() + ", not with the seal at slot "
                                + seal.endSlot() + " and " + seal.streamEnds().size()
                                + " streams; read the seal that stands and go by it");
            }
            return unchanged();
        }
        if (seal.endSlot() < wal.startSlot()) {
            throw invalid(name + " cannot end at slot " + seal.endSlot() + ": its owner has trimmed it to slot "
                    + wal.startSlot() + "; list its slots again from there");
        }
        if (seal.streamEnds().values().stream().anyMatch(end -> end < 1)) {
            throw invalid("The seal of " + name + " names a stream that ends at or below offset 0; leave out streams"
                    + " without records");
        }
        return changed(new SealWalRecord(seal));
    }

    static Decision<Boolean> trim(Speculation state, int brokerId, long brokerEpoch, long startSlot) {
        WalView wals = state.manifests().wals();
        WalState wal = wals.wal(brokerId, brokerEpoch);
        if (wal == null) {
            if (wals.isBelowRetired(brokerId, brokerEpoch)) {
                return unchanged();
            }
            throw invalid(name(brokerId, brokerEpoch) + " was never opened; open it before the first slot");
        }
        if (!wal.isSealed()) {
            // A recoverer lists from the start slot on: if its owner trimmed now, deleted slots would look like the
            // end.
            StreamCommands.requireBrokerEpoch(state.image(), brokerId, brokerEpoch);
            requireUnfenced(state, brokerId);
        } else {
            requireFreeable(state, wal, startSlot);
        }
        return startSlot <= wal.startSlot()
                ? unchanged()
                : changed(new TrimWalRecord(brokerId, brokerEpoch, startSlot));
    }

    /** A recoverer may be reading; when it is done the WAL is sealed. */
    private static void requireUnfenced(Speculation state, int brokerId) {
        BrokerRegistration registration = state.image().cluster().broker(brokerId);
        if (registration != null && registration.fenced()) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Broker " + brokerId + " is fenced: others may be ending its WAL, which is not trimmed meanwhile;"
                            + " repeat when it is unfenced");
        }
    }

    /**
     * Several processes may read a sealed WAL, and none of them knows what the others still need. So it is freed as a whole,
     * and only when all that it holds is in objects.
     */
    private static void requireFreeable(Speculation state, WalState wal, long startSlot) {
        String name = name(wal.brokerId(), wal.brokerEpoch());
        if (startSlot <= wal.startSlot()) {
            return;
        }
        if (startSlot > wal.sealedEndSlot()) {
            throw invalid(name + " ends at slot " + wal.sealedEndSlot()
                    + ", where its fence lies; it cannot be trimmed to" + " slot " + startSlot + ": retire it instead");
        }
        if (startSlot < wal.sealedEndSlot()) {
            throw invalid(name + " is sealed and can only be trimmed as a whole, to slot " + wal.sealedEndSlot()
                    + ", not " + startSlot);
        }
        state.manifests().wals().streamEnds(wal.brokerId(), wal.brokerEpoch()).forEach((streamId, end) -> {
            StreamBounds stream = state.manifests().bounds(streamId);
            if (stream != null && stream.endOffset() < end) {
                throw invalid(name + " holds records of stream " + streamId + " up to offset " + end
                        + ", and objects hold them up to " + stream.endOffset()
                        + " only; trim it when they are uploaded");
            }
        });
    }

    static Decision<Boolean> retire(Speculation state, int brokerId, long brokerEpoch) {
        WalState wal = state.manifests().wals().wal(brokerId, brokerEpoch);
        if (wal == null) {
            return unchanged();
        }
        if (!wal.isSealed()) {
            throw invalid(name(brokerId, brokerEpoch) + " is not sealed, its owner may still write it; seal it first");
        }
        if (!wal.isFreed()) {
            throw invalid(name(brokerId, brokerEpoch) + " holds slots " + wal.startSlot() + " to " + wal.sealedEndSlot()
                    + "; trim it first");
        }
        return changed(new RetireWalRecord(brokerId, brokerEpoch));
    }

    private static Decision<Boolean> changed(OwnRecord change) {
        return Decision.of(List.of(change.versioned()), true);
    }

    private static Decision<Boolean> unchanged() {
        return Decision.of(List.of(), true);
    }

    private static String name(int brokerId, long brokerEpoch) {
        return "The WAL of broker " + brokerId + ", epoch " + brokerEpoch + ",";
    }

    private static FreshetException invalid(String message) {
        return new FreshetException(ErrorKind.INVALID, message);
    }
}
