// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.kafka.common.Uuid;

/**
 * Local reads of streams and objects: this node's applied state, held in RocksDB. No call leaves the process. A node that keeps
 * only a part ({@link MetadataNode#keepsEverything}) fails what it cannot answer: questions about objects with INTERNAL, about the
 * manifest of a stream that is not here with UNAVAILABLE.
 */
public interface Manifests {
    /** The stream of a partition; empty if it does not exist (any more). */
    OptionalLong streamId(Uuid topicId, int partition);

    Optional<StreamState> stream(long streamId);

    /** Up to {@code limit} segments in offset order, from the one that holds {@code offset} (or the first after it) on. */
    List<StreamSegment> segments(long streamId, long offset, int limit);

    /** Up to {@code limit} retired objects, oldest first. */
    List<RetiredObject> retiredObjects(int limit);

    /** Whether the object is named by a manifest or waits for deletion. */
    boolean isObjectKnown(long objectId);

    /** What is known of each of these objects, in their order. */
    List<ObjectState> objectStates(List<Long> objectIds);

    /** S3 WALs of one broker id that are not retired, ascending by broker epoch. */
    List<WalState> wals(int brokerId);

    /** All S3 WALs that are not retired, ascending by broker id and broker epoch. */
    List<WalState> wals();

    /** The seal of an S3 WAL that is not retired; empty if it is not sealed, or not known. */
    Optional<WalSeal> walSeal(int brokerId, long brokerEpoch);

    /**
     * Open S3 WALs whose owner's session is over or that no registration names: anyone may seal them. Ascending by broker
     * id and broker epoch.
     */
    List<WalState> abandonedWals();

    /** What is kept of a broker; empty if it never registered. */
    Optional<MemberState> member(int brokerId);

    /** All brokers that ever registered, ascending by id. */
    List<MemberState> members();

    /** The moves that are wished for and not done, in order of topic id and partition. */
    List<MoveWish> wishes();

    /** Differs whenever {@link #wishes()} may differ; cheap. */
    long wishesVersion();

    /** Up to {@code limit} objects that manifests name, with ids above {@code afterObjectId}, ascending. */
    List<LiveObject> objects(long afterObjectId, int limit);

    /** Up to {@code limit} streams with ids above {@code afterStreamId}, ascending. */
    List<Long> streamIds(long afterStreamId, int limit);
}
