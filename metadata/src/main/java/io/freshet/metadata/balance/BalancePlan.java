// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.List;

/**
 * What should move, and from which loads that follows.
 *
 * @param loads of the brokers that take part, ascending by id, before the moves
 * @param mean what each of them would have if they were even
 * @param meanPartitions the same for the number of partitions
 * @param moves in the order in which they should begin
 * @param isComplete whether these are all; false if more would follow
 * @param leftOver what is out of balance after all moves, a sentence each
 */
public record BalancePlan(
        List<BrokerLoad> loads,
        Load mean,
        double meanPartitions,
        List<PlannedMove> moves,
        boolean isComplete,
        List<String> leftOver) {
    public BalancePlan {
        loads = List.copyOf(loads);
        moves = List.copyOf(moves);
        leftOver = List.copyOf(leftOver);
    }

    /** The sum over what one broker leads. */
    public record BrokerLoad(int brokerId, Load load, int partitions) {}
}
