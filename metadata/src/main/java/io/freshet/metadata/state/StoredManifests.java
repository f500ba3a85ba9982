// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.MoveWish;
import io.freshet.metadata.ObjectState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** Reads of the applied state: offsets and segments from the store, owner and leader epoch from the image. Any thread. */
final class StoredManifests implements Manifests {
    private final ManifestStore store;
    private final Supplier<MetadataImage> image;

    /** There are few, and those who look after them ask again and again. */
    private volatile Wals wals = new Wals(-1, List.of());

    private record Wals(long version, List<WalState> wals) {}

    StoredManifests(ManifestStore store, Supplier<MetadataImage> image) {
        this.store = store;
        this.image = image;
    }

    @Override
    public OptionalLong streamId(Uuid topicId, int partition) {
        byte[] value = store.get(Table.PARTITIONS, Rows.key(topicId, partition));
        return value == null ? OptionalLong.empty() : OptionalLong.of(Rows.decodeId(value));
    }

    @Override
    public Optional<StreamState> stream(long streamId) {
        byte[] value = store.get(Table.STREAMS, Rows.key(streamId));
        if (value == null) {
            return Optional.empty();
        }
        Rows.Stream stream = Rows.Stream.decode(value);
        PartitionRegistration partition = partition(image.get(), stream.topicId(), stream.partition());
        return partition == null
                ? Optional.empty()
                : Optional.of(new StreamState(
                        streamId, partition.leaderEpoch, partition.leader, stream.startOffset(), stream.endOffset()));
    }

    static @Nullable PartitionRegistration partition(MetadataImage image, Uuid topicId, int partition) {
        TopicImage topic = image.topics().getTopic(topicId);
        return topic == null ? null : topic.partitions().get(partition);
    }

    @Override
    public List<StreamSegment> segments(long streamId, long offset, int limit) {
        Holdings holdings = store.holdings();
        if (holdings == null) {
            return read(streamId, offset, limit);
        }
        Object mark = holdings.requireKept(streamId);
        List<StreamSegment> found = read(streamId, offset, limit);
        holdings.requireStillKept(streamId, mark);
        return found;
    }

    private List<StreamSegment> read(long streamId, long offset, int limit) {
        List<StreamSegment> found = new ArrayList<>();
        store.scan(Table.MANIFESTS, rows -> StateReads.segments(rows, streamId, offset, limit, found));
        return found;
    }

    @Override
    public List<RetiredObject> retiredObjects(int limit) {
        List<RetiredObject> found = new ArrayList<>();
        store.scan(Table.RETIRED, rows -> StateReads.retired(rows, limit, found));
        return found;
    }

    @Override
    public boolean isObjectKnown(long objectId) {
        return store.get(Table.OBJECTS, Rows.key(objectId)) != null;
    }

    @Override
    public List<ObjectState> objectStates(List<Long> objectIds) {
        List<byte @Nullable []> values =
                store.get(Table.OBJECTS, objectIds.stream().map(Rows::key).toList());
        return values.stream().map(StateReads::objectState).toList();
    }

    @Override
    public List<WalState> wals(int brokerId) {
        return wals().stream().filter(wal -> wal.brokerId() == brokerId).toList();
    }

    @Override
    public List<WalState> wals() {
        long version = store.version(Table.WALS);
        Wals known = wals;
        if (known.version == version) {
            return known.wals;
        }
        List<WalState> found = new ArrayList<>();
        store.scan(Table.WALS, rows -> {
            for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                found.add(Rows.decodeWal(rows.key(), rows.value()));
            }
        });
        wals = new Wals(version, List.copyOf(found));
        return found;
    }

    @Override
    public Optional<WalSeal> walSeal(int brokerId, long brokerEpoch) {
        WalState wal = wal(brokerId, brokerEpoch);
        if (wal == null || !wal.isSealed()) {
            return Optional.empty();
        }
        Map<Long, Long> ends = new HashMap<>();
        store.scan(Table.WAL_ENDS, rows -> {
            rows.seek(Rows.key(brokerId, brokerEpoch, 0));
            while (rows.isValid() && WalView.addEnd(brokerId, brokerEpoch, rows.key(), rows.value(), ends)) {
                rows.next();
            }
        });
        // The ends are written with the seal and leave with the WAL: if that is still there, they are whole.
        return wal(brokerId, brokerEpoch) == null
                ? Optional.empty()
                : Optional.of(new WalSeal(brokerId, brokerEpoch, wal.sealedEndSlot(), ends));
    }

    private @Nullable WalState wal(int brokerId, long brokerEpoch) {
        byte[] key = Rows.key(brokerId, brokerEpoch);
        byte[] value = store.get(Table.WALS, key);
        return value == null ? null : Rows.decodeWal(key, value);
    }

    @Override
    public List<WalState> abandonedWals() {
        Map<Integer, MemberState> members = new HashMap<>();
        members().forEach(member -> members.put(member.brokerId(), member));
        return wals().stream()
                .filter(wal -> !wal.isSealed() && isGone(wal.brokerId(), members.get(wal.brokerId())))
                .toList();
    }

    /** An owner that has registered anew seals its older WALs itself when it starts. */
    private boolean isGone(int brokerId, @Nullable MemberState owner) {
        return owner == null ? image.get().cluster().broker(brokerId) == null : owner.isLapsed();
    }

    @Override
    public Optional<MemberState> member(int brokerId) {
        byte[] key = Rows.key(brokerId);
        byte[] value = store.get(Table.MEMBERS, key);
        return value == null ? Optional.empty() : Optional.of(Rows.decodeMember(key, value));
    }

    @Override
    public List<MemberState> members() {
        List<MemberState> found = new ArrayList<>();
        store.scan(Table.MEMBERS, rows -> {
            for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                found.add(Rows.decodeMember(rows.key(), rows.value()));
            }
        });
        return found;
    }

    @Override
    public List<MoveWish> wishes() {
        List<MoveWish> found = new ArrayList<>();
        store.scan(Table.MOVE_WISHES, rows -> {
            for (rows.seekToFirst(); rows.isValid(); rows.next()) {
                found.add(Rows.decodeWish(rows.key(), rows.value()));
            }
        });
        return found;
    }

    @Override
    public long wishesVersion() {
        return store.version(Table.MOVE_WISHES);
    }

    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        List<LiveObject> found = new ArrayList<>();
        if (afterObjectId < Long.MAX_VALUE) {
            store.scan(Table.OBJECTS, rows -> StateReads.objects(rows, afterObjectId, limit, found));
        }
        return found;
    }

    @Override
    public List<Long> streamIds(long afterStreamId, int limit) {
        List<Long> found = new ArrayList<>();
        scanIds(Table.STREAMS, afterStreamId, rows -> {
            for (; rows.isValid() && found.size() < limit; rows.next()) {
                found.add(ByteBuffer.wrap(rows.key()).getLong());
            }
        });
        return found;
    }

    /** Scans from the first id above {@code afterId}; ids are positive. */
    private void scanIds(Table table, long afterId, Consumer<RocksIterator> reader) {
        if (afterId < Long.MAX_VALUE) {
            store.scan(table, rows -> {
                rows.seek(Rows.key(Math.max(0, afterId + 1)));
                reader.accept(rows);
            });
        }
    }
}
