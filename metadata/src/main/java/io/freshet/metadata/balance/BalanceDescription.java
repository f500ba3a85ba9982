// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.List;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * What the active controller knows of loads and would do about them now.
 *
 * @param controllerId the node that plans
 * @param brokers all that are registered, ascending by id
 * @param mean what each broker that takes part would have if they were even
 * @param moves what should move, at most {@link #MAX_MOVES}, whether or not the settings and limits let it
 * @param isComplete whether these are all
 * @param movesAllowed how many of them may begin now
 * @param movesInLastMinute how many have begun in the last 60 s
 * @param underWay moves that were asked for and are not done, whoever asked, at most {@link #MAX_MOVES}
 * @param excludedPartitions partitions of excluded topics
 * @param restingPartitions partitions that stay because they have moved within the last minute
 * @param notes what holds moves back or cannot be mended, a sentence each
 */
public record BalanceDescription(
        int controllerId,
        BalanceSettings settings,
        List<BrokerState> brokers,
        Load mean,
        double meanPartitions,
        List<PlannedMove> moves,
        boolean isComplete,
        int movesAllowed,
        int movesInLastMinute,
        List<UnderWay> underWay,
        int excludedPartitions,
        int restingPartitions,
        List<String> notes) {
    public static final int MAX_MOVES = 1_000;

    public BalanceDescription {
        brokers = List.copyOf(brokers);
        moves = List.copyOf(moves);
        underWay = List.copyOf(underWay);
        notes = List.copyOf(notes);
    }

    /**
     * One broker.
     *
     * @param whyNot why it takes no part; empty if it does
     * @param partitions how many it leads, or will when the moves under way are done
     */
    public record BrokerState(int id, @Nullable String rack, String whyNot, Load load, int partitions) {}

    /** A move that is not done yet. */
    public record UnderWay(Uuid topicId, String topic, int partition, int fromBrokerId, int toBrokerId) {}
}
