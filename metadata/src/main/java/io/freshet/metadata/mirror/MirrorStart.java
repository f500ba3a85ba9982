// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.mirror.MirrorObject.Header;
import io.freshet.metadata.mirror.MirrorObject.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.Uuid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a process the mirror's writer before its metadata node starts. Blocks on the store. */
public final class MirrorStart {
    private static final Logger LOG = LoggerFactory.getLogger(MirrorStart.class);

    private MirrorStart() {}

    /**
     * Joins the mirror with a formatted directory that holds everything the mirror has. Claims a bucket without a mirror for
     * the directory's cluster.
     *
     * @throws FreshetException INVALID if the bucket is another cluster's; FENCED if another directory has taken the mirror
     *     over; CORRUPT if its last piece is damaged
     */
    public static MirrorSession join(MirrorStore store, Path directory, Randomness randomness) {
        String clusterId = MetadataFormat.clusterId(directory);
        claim(store, clusterId, directory);
        MirrorPosition position = MirrorReading.position(store, clusterId);
        Optional<Incarnations> known = Incarnations.load(directory);
        Uuid writer = Incarnations.next(randomness);
        if (position.pieces().isEmpty()) {
            Incarnations mine = new Incarnations(writer, known.map(Incarnations::current));
            mine.save(directory);
            return new MirrorSession(store, clusterId, writer, mine.previous(), position);
        }
        long lastBase = position.pieces().get(position.pieces().size() - 1);
        Uuid lastWriter = MirrorReading.header(store, clusterId, lastBase).writer();
        if (known.filter(mine -> mine.contains(lastWriter)).isEmpty()) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "The metadata mirror of cluster " + clusterId + " in " + store.describe()
                            + " was written last by a process of another directory than " + directory
                            + ", from offset " + lastBase + " on: that one owns the cluster now. If it is gone, move "
                            + directory + " away and start again with metadata.mirror=sync to restore it from the"
                            + " mirror");
        }
        new Incarnations(writer, Optional.of(lastWriter)).save(directory);
        return new MirrorSession(store, clusterId, writer, known.map(Incarnations::current), position);
    }

    private static void claim(MirrorStore store, String clusterId, Path directory) {
        Optional<String> owner = MirrorReading.clusterId(store);
        if (owner.isEmpty()) {
            ByteBuffer body = ByteBuffer.wrap(MirrorReading.clusterObject(clusterId));
            store.await("claiming the bucket", store.create(MirrorKeys.CLUSTER, List.of(body)));
            owner = MirrorReading.clusterId(store);
        }
        if (!owner.equals(Optional.of(clusterId))) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    store.describe() + " holds the metadata of cluster " + owner.orElse("(none)") + ", but directory "
                            + directory + " belongs to cluster " + clusterId
                            + ". Two clusters must not share a bucket without a prefix each: correct storage.uri or the"
                            + " directory");
        }
    }

    /**
     * Makes a directory from the mirror of the bucket's cluster, for a node that is the only voter. First puts a fence where
     * a process that still runs would write next: from then on that one completes no command.
     *
     * @param directory must not be formatted
     * @throws FreshetException CORRUPT if the mirror is damaged; INVALID if the bucket holds none, or the directory holds a
     *     metadata log without an identity
     */
    public static MirrorSession restore(
            MirrorStore store, Path directory, MetadataFormat.Voter voter, Randomness randomness) {
        String clusterId = MirrorReading.clusterId(store)
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.INVALID, "There is no metadata mirror in " + store.describe() + " to restore from"));
        RestoredDirectory restored = RestoredDirectory.begin(directory);
        Uuid writer = Incarnations.next(randomness);
        MirrorPosition fenced = fence(store, clusterId, writer);
        long records = restored.write(store, clusterId, voter, fenced, new Incarnations(writer, Optional.empty()));
        LOG.info(
                "Restored the metadata of cluster {} from its mirror in {}: {} records up to offset {}",
                clusterId,
                store.describe(),
                records,
                fenced.endOffset() - 1);
        return new MirrorSession(store, clusterId, writer, Optional.empty(), fenced);
    }

    /** Takes the first free key; pieces that appear there meanwhile count. */
    private static MirrorPosition fence(MirrorStore store, String clusterId, Uuid writer) {
        while (true) {
            MirrorPosition position = MirrorReading.position(store, clusterId);
            long at = position.endOffset();
            Header fence = new Header(
                    Kind.FENCE, at, at + 1, position.epoch(), position.timestampMs(), writer, position.snapshot());
            String key = MirrorKeys.piece(clusterId, at);
            boolean isMine = store.await("fencing " + key, store.create(key, MirrorObject.encode(fence, List.of())))
                    || MirrorReading.header(store, clusterId, at).writer().equals(writer);
            if (isMine) {
                List<Long> pieces = new ArrayList<>(position.pieces());
                pieces.add(at);
                return new MirrorPosition(
                        at + 1, position.epoch(), position.timestampMs(), position.snapshot(), pieces);
            }
        }
    }
}
