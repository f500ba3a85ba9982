// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestPages.Page;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ManifestQuery.From;
import io.freshet.metadata.ObjectState;
import java.util.List;

/** Questions about manifests and objects: how they are encoded and run. */
final class QueryTypes {
    static final CommandType<ManifestQuery, ManifestPages> READ_MANIFESTS = CommandType.of(
                    46,
                    "readManifests",
                    Codec.of(QueryTypes::writeQuery, QueryTypes::readQuery),
                    Codec.of(QueryTypes::writePages, QueryTypes::readPages),
                    (controller, query) -> controller.readManifests(query))
            .repeatable();

    static final CommandType<ObjectsAfter, List<LiveObject>> READ_OBJECTS = CommandType.of(
                    47,
                    "readObjects",
                    Codec.of(
                            (out, asked) -> {
                                out.writeLong(asked.objectId);
                                out.writeInt(asked.limit);
                            },
                            in -> new ObjectsAfter(in.readLong(), in.readInt())),
                    Codec.<List<LiveObject>>of(
                            (out, objects) -> out.writeList(objects, (to, object) -> {
                                to.writeLong(object.objectId());
                                to.writeLong(object.sizeBytes());
                                to.writeInt(object.liveSegments());
                            }),
                            in -> in.readList(
                                    from -> new LiveObject(from.readLong(), from.readLong(), from.readInt()))),
                    (controller, asked) -> controller.readObjects(asked.objectId, asked.limit))
            .repeatable();

    static final CommandType<Integer, List<RetiredObject>> READ_RETIRED_OBJECTS = CommandType.of(
                    48,
                    "readRetiredObjects",
                    Codec.of(CommandWriter::writeInt, CommandReader::readInt),
                    Codec.<List<RetiredObject>>of(
                            (out, objects) -> out.writeList(objects, (to, object) -> {
                                to.writeLong(object.objectId());
                                to.writeLong(object.retiredAtMs());
                            }),
                            in -> in.readList(from -> new RetiredObject(from.readLong(), from.readLong()))),
                    (controller, limit) -> controller.readRetiredObjects(limit))
            .repeatable();

    static final CommandType<List<Long>, List<ObjectState>> READ_OBJECT_STATES = CommandType.of(
                    49,
                    "readObjectStates",
                    Codec.<List<Long>>of(
                            (out, ids) -> out.writeList(ids, CommandWriter::writeLong),
                            in -> in.readList(CommandReader::readLong)),
                    Codec.<List<ObjectState>>of(
                            (out, states) -> out.writeList(states, (to, state) -> to.writeByte(number(state))),
                            in -> in.readList(QueryTypes::state)),
                    (controller, ids) -> controller.readObjectStates(ids))
            .repeatable();

    static final List<CommandType<?, ?>> ALL =
            List.of(READ_MANIFESTS, READ_OBJECTS, READ_RETIRED_OBJECTS, READ_OBJECT_STATES);

    private QueryTypes() {}

    record ObjectsAfter(long objectId, int limit) {}

    private static int number(ObjectState state) {
        return switch (state) {
            case UNKNOWN -> 0;
            case LIVE -> 1;
            case RETIRED -> 2;
        };
    }

    private static ObjectState state(CommandReader in) {
        byte number = in.readByte();
        return switch (number) {
            case 0 -> ObjectState.UNKNOWN;
            case 1 -> ObjectState.LIVE;
            case 2 -> ObjectState.RETIRED;
            default -> throw in.damaged("has the unknown object state " + number);
        };
    }

    private static void writeQuery(CommandWriter out, ManifestQuery query) {
        out.writeLong(query.minOffset());
        out.writeBoolean(query.isByStart());
        out.writeList(query.streams(), (to, from) -> {
            to.writeLong(from.streamId());
            to.writeLong(from.offset());
        });
        out.writeInt(query.limitPerStream());
        out.writeInt(query.limit());
    }

    private static ManifestQuery readQuery(CommandReader in) {
        return new ManifestQuery(
                in.readLong(),
                in.readBoolean(),
                in.readList(from -> new From(from.readLong(), from.readLong())),
                in.readInt(),
                in.readInt());
    }

    private static void writePages(CommandWriter out, ManifestPages pages) {
        out.writeLong(pages.offset());
        out.writeList(pages.pages(), (to, page) -> {
            to.writeLong(page.streamId());
            to.writeList(page.segments(), StreamCommandTypes::writeSegment);
            to.writeBoolean(page.isLast());
        });
    }

    private static ManifestPages readPages(CommandReader in) {
        return new ManifestPages(
                in.readLong(),
                in.readList(from ->
                        new Page(from.readLong(), from.readList(StreamCommandTypes::readSegment), from.readBoolean())));
    }
}
