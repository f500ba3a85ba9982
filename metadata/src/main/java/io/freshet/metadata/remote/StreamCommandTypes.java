// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;
import java.util.Set;

/** Commands on streams, objects and jobs: how they are encoded and run. */
final class StreamCommandTypes {
    private static final Codec<Set<Long>> STREAM_IDS = Codec.of(
            (out, ids) -> out.writeList(ids, CommandWriter::writeLong), in -> in.readSet(CommandReader::readLong));

    static final CommandType<Integer, IdRange> RESERVE_OBJECT_IDS = CommandType.of(
                    40,
                    "reserveObjectIds",
                    Codec.of(CommandWriter::writeInt, CommandReader::readInt),
                    BrokerCommandTypes.ID_RANGE,
                    (controller, count) -> controller.reserveObjectIds(count))
            .repeatable();

    static final CommandType<ObjectCommit, Set<Long>> COMMIT_OBJECT = CommandType.of(
                    41,
                    "commitObject",
                    Codec.of(StreamCommandTypes::writeCommit, StreamCommandTypes::readCommit),
                    STREAM_IDS,
                    (controller, commit) -> controller.commitObject(commit))
            .repeatable();

    static final CommandType<SegmentReplacement, Set<Long>> REPLACE_SEGMENTS = CommandType.of(
                    42,
                    "replaceSegments",
                    Codec.of(StreamCommandTypes::writeReplacement, StreamCommandTypes::readReplacement),
                    STREAM_IDS,
                    (controller, replacement) -> controller.replaceSegments(replacement))
            .repeatable();

    static final CommandType<Trim, Done> TRIM_STREAM = CommandType.doing(
                    43,
                    "trimStream",
                    Codec.of(
                            (out, trim) -> {
                                out.writeLong(trim.streamId);
                                out.writeInt(trim.leaderEpoch);
                                out.writeLong(trim.newStartOffset);
                            },
                            in -> new Trim(in.readLong(), in.readInt(), in.readLong())),
                    (controller, trim) -> controller.trimStream(trim.streamId, trim.leaderEpoch, trim.newStartOffset))
            .repeatable();

    static final CommandType<List<Long>, Done> FORGET_OBJECTS = CommandType.doing(
                    44,
                    "forgetObjects",
                    Codec.<List<Long>>of(
                            (out, ids) -> out.writeList(ids, CommandWriter::writeLong),
                            in -> in.readList(CommandReader::readLong)),
                    (controller, ids) -> controller.forgetObjects(ids))
            .repeatable();

    static final CommandType<JobLease, Boolean> LEASE_JOB = CommandType.of(
                    45,
                    "leaseJob",
                    Codec.of(
                            (out, lease) -> {
                                out.writeString(lease.job);
                                out.writeInt(lease.brokerId);
                                out.writeLong(lease.brokerEpoch);
                                out.writeLong(lease.durationMs);
                            },
                            in -> new JobLease(in.readString(), in.readInt(), in.readLong(), in.readLong())),
                    Codec.of(CommandWriter::writeBoolean, CommandReader::readBoolean),
                    (controller, lease) ->
                            controller.leaseJob(lease.job, lease.brokerId, lease.brokerEpoch, lease.durationMs))
            .repeatable()
            .notLogged();

    static final List<CommandType<?, ?>> ALL =
            List.of(RESERVE_OBJECT_IDS, COMMIT_OBJECT, REPLACE_SEGMENTS, TRIM_STREAM, FORGET_OBJECTS, LEASE_JOB);

    private StreamCommandTypes() {}

    record Trim(long streamId, int leaderEpoch, long newStartOffset) {}

    record JobLease(String job, int brokerId, long brokerEpoch, long durationMs) {}

    private static void writeCommit(CommandWriter out, ObjectCommit commit) {
        out.writeLong(commit.objectId());
        out.writeLong(commit.sizeBytes());
        out.writeInt(commit.brokerId());
        out.writeLong(commit.brokerEpoch());
        out.writeList(commit.segments(), (to, wanted) -> {
            writeSegment(to, wanted.segment());
            to.writeInt(wanted.leaderEpoch());
        });
    }

    private static ObjectCommit readCommit(CommandReader in) {
        return new ObjectCommit(
                in.readLong(),
                in.readLong(),
                in.readInt(),
                in.readLong(),
                in.readList(from -> new SegmentCommit(readSegment(from), from.readInt())));
    }

    private static void writeReplacement(CommandWriter out, SegmentReplacement replacement) {
        out.writeInt(replacement.brokerId());
        out.writeLong(replacement.brokerEpoch());
        out.writeList(replacement.objects(), (to, object) -> {
            to.writeLong(object.objectId());
            to.writeLong(object.sizeBytes());
        });
        out.writeList(replacement.removed(), StreamCommandTypes::writeSegment);
        out.writeList(replacement.inserted(), StreamCommandTypes::writeSegment);
    }

    private static SegmentReplacement readReplacement(CommandReader in) {
        return new SegmentReplacement(
                in.readInt(),
                in.readLong(),
                in.readList(from -> new NewObject(from.readLong(), from.readLong())),
                in.readList(StreamCommandTypes::readSegment),
                in.readList(StreamCommandTypes::readSegment));
    }

    static void writeSegment(CommandWriter out, StreamSegment segment) {
        out.writeLong(segment.streamId());
        out.writeLong(segment.startOffset());
        out.writeLong(segment.endOffset());
        out.writeLong(segment.objectId());
        out.writeLong(segment.sizeBytes());
        out.writeLong(segment.minTimestampMs());
        out.writeLong(segment.maxTimestampMs());
    }

    static StreamSegment readSegment(CommandReader in) {
        return new StreamSegment(
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong());
    }
}
