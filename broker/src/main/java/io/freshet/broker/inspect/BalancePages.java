// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.inspect;

import io.freshet.metadata.balance.Amounts;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.PlannedMove;
import io.freshet.metadata.balance.Resource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The JSON document of {@code /api/balance}; both ends of the wire use these types. */
public final class BalancePages {
    private BalancePages() {}

    /**
     * {@code /api/balance}.
     *
     * @param bootstrap where Kafka clients find the node that answers
     * @param controllerId the node that plans
     * @param enabled whether partitions move; plans are made all the same
     * @param moves what should move, in order
     * @param movesComplete whether these are all
     * @param movesAllowed how many of them may begin now
     * @param underWay moves that were asked for and are not done
     * @param restingPartitions partitions that stay because they have moved within the last minute
     * @param notes what holds moves back or cannot be mended, a sentence each
     */
    public record Balance(
            String bootstrap,
            int controllerId,
            boolean enabled,
            double tolerance,
            int movesPerMinute,
            List<String> excludedTopics,
            List<Integer> excludedBrokers,
            List<Broker> brokers,
            Amount mean,
            List<Move> moves,
            boolean movesComplete,
            int movesAllowed,
            int movesInLastMinute,
            List<Move> underWay,
            int excludedPartitions,
            int restingPartitions,
            List<String> notes) {}

    /** Per second, and partitions. */
    public record Amount(double bytesIn, double bytesOut, double requests, double partitions) {
        /** Of one resource. */
        public double of(Resource resource) {
            return switch (resource) {
                case BYTES_IN -> bytesIn;
                case BYTES_OUT -> bytesOut;
                case REQUESTS -> requests;
                case PARTITIONS -> partitions;
            };
        }

        /** With its unit. */
        public String text(Resource resource) {
            return Amounts.text(resource, of(resource));
        }
    }

    /**
     * One broker.
     *
     * @param whyNot why it takes no part; empty if it does
     */
    public record Broker(int id, @Nullable String rack, String whyNot, Amount load) {}

    /** One move; a move under way has neither loads nor a reason. */
    public record Move(
            String topic,
            int partition,
            int from,
            int to,
            double bytesIn,
            double bytesOut,
            double requests,
            String reason) {}

    static Balance of(BalanceDescription balance, String bootstrap) {
        List<Move> underWay = new ArrayList<>();
        balance.underWay()
                .forEach(move -> underWay.add(
                        new Move(move.topic(), move.partition(), move.fromBrokerId(), move.toBrokerId(), 0, 0, 0, "")));
        return new Balance(
                bootstrap,
                balance.controllerId(),
                balance.settings().isEnabled(),
                balance.settings().tolerance(),
                balance.settings().movesPerMinute(),
                balance.settings().excludedTopics(),
                balance.settings().excludedBrokers(),
                balance.brokers().stream().map(BalancePages::broker).toList(),
                amount(balance.mean(), balance.meanPartitions()),
                balance.moves().stream().map(BalancePages::move).toList(),
                balance.isComplete(),
                balance.movesAllowed(),
                balance.movesInLastMinute(),
                underWay,
                balance.excludedPartitions(),
                balance.restingPartitions(),
                balance.notes());
    }

    private static Broker broker(BrokerState broker) {
        return new Broker(broker.id(), broker.rack(), broker.whyNot(), amount(broker.load(), broker.partitions()));
    }

    private static Amount amount(Load load, double partitions) {
        return new Amount(load.bytesIn(), load.bytesOut(), load.requests(), partitions);
    }

    private static Move move(PlannedMove move) {
        return new Move(
                move.topic(),
                move.partition(),
                move.fromBrokerId(),
                move.toBrokerId(),
                move.load().bytesIn(),
                move.load().bytesOut(),
                move.load().requests(),
                move.reason());
    }
}
