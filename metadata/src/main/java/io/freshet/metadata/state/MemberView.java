// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.metadata.MemberState;
import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.LaneChangedRecord;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.record.MoveWishRecord;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link ManifestView} that knows brokers and where partitions are to move; shares its unwritten changes.
 * Metadata thread.
 */
public final class MemberView {
    private final RowOverlay rows;

    MemberView(RowOverlay rows) {
        this.rows = rows;
    }

    /** What is kept of a broker; null if it never registered. */
    public @Nullable MemberState member(int brokerId) {
        byte[] key = Rows.key(brokerId);
        byte[] value = rows.get(Table.MEMBERS, key);
        return value == null ? null : Rows.decodeMember(key, value);
    }

    /** All brokers that ever registered, ascending by id. */
    public List<MemberState> members() {
        List<MemberState> found = new ArrayList<>();
        rows.scan(Table.MEMBERS, Rows.key(0), (key, value) -> found.add(Rows.decodeMember(key, value)));
        return found;
    }

    /** Where a partition is to move; {@link MoveWish#NONE} if it is to stay. */
    public int wishedOwner(Uuid topicId, int partition) {
        byte[] key = Rows.key(topicId, partition);
        byte[] value = rows.get(Table.MOVE_WISHES, key);
        return value == null ? MoveWish.NONE : Rows.decodeWish(key, value).targetBrokerId();
    }

    /** All moves that are wished for, in order of topic id and partition. */
    public List<MoveWish> wishes() {
        List<MoveWish> found = new ArrayList<>();
        rows.scan(Table.MOVE_WISHES, new byte[0], (key, value) -> found.add(Rows.decodeWish(key, value)));
        return found;
    }

    /** Whether the topic may have records in another WAL lane than the one that it names now. */
    public boolean hasLaneChanged(Uuid topicId) {
        return rows.get(Table.LANE_CHANGES, Rows.key(topicId)) != null;
    }

    void apply(MemberRecord change) {
        MemberState member = change.member();
        rows.put(Table.MEMBERS, Rows.key(member.brokerId()), Rows.encodeMember(member));
    }

    void apply(MoveWishRecord change) {
        MoveWish wish = change.wish();
        byte[] key = Rows.key(wish.topicId(), wish.partition());
        if (wish.targetBrokerId() == MoveWish.NONE) {
            rows.delete(Table.MOVE_WISHES, key);
        } else if (rows.get(Table.PARTITIONS, key) != null) {
            rows.put(Table.MOVE_WISHES, key, Rows.encodeWishTarget(wish.targetBrokerId()));
        }
    }

    void apply(LaneChangedRecord change) {
        rows.put(Table.LANE_CHANGES, Rows.key(change.topicId()), Rows.encodeId(0));
    }

    /** The partition is gone. */
    void forget(Uuid topicId, int partition) {
        byte[] wish = Rows.key(topicId, partition);
        if (rows.get(Table.MOVE_WISHES, wish) != null) {
            rows.delete(Table.MOVE_WISHES, wish);
        }
        if (hasLaneChanged(topicId)) {
            rows.delete(Table.LANE_CHANGES, Rows.key(topicId));
        }
    }
}
