// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.inspect.BalancePages.Balance;
import io.freshet.broker.inspect.BalancePages.Broker;
import io.freshet.broker.inspect.BalancePages.Move;
import io.freshet.metadata.balance.Amounts;
import io.freshet.metadata.balance.Resource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What {@code freshet balance} prints for people. */
final class BalanceText {
    private static final int MOST_UNDER_WAY = 20;

    private BalanceText() {}

    /**
     * The lines; without {@code isExplained} and {@code isDryRun} the loads and one line about moves.
     *
     * @param isExplained with every move and its reason, and what holds moves back
     * @param isDryRun every move and its reason alone
     */
    static List<String> lines(Balance balance, boolean isExplained, boolean isDryRun) {
        List<String> lines = new ArrayList<>();
        if (!isDryRun) {
            addLoads(lines, balance);
            addLimits(lines, balance);
        }
        if (isExplained || isDryRun) {
            addMoves(lines, balance);
        } else if (!balance.moves().isEmpty()) {
            lines.add(count(balance) + " should move; --explain lists them");
        }
        if (!isDryRun) {
            balance.notes().forEach(lines::add);
        }
        return lines;
    }

    private static String count(Balance balance) {
        return balance.moves().size()
                + (balance.movesComplete() ? "" : " or more")
                + (balance.moves().size() == 1 ? " partition" : " partitions");
    }

    private static void addLoads(List<String> lines, Balance balance) {
        lines.add(row("broker", "rack", "bytes in", "bytes out", "requests", "partitions"));
        for (Broker broker : balance.brokers()) {
            List<String> cells = new ArrayList<>();
            cells.add(Integer.toString(broker.id()));
            cells.add(broker.rack() == null ? "-" : broker.rack());
            for (Resource resource : Resource.values()) {
                String amount = broker.load().text(resource);
                String deviation = Amounts.deviation(
                        broker.load().of(resource), balance.mean().of(resource));
                cells.add(broker.whyNot().isEmpty() ? amount + " (" + deviation + ")" : amount);
            }
            lines.add(row(cells.toArray(String[]::new))
                    + (broker.whyNot().isEmpty() ? "" : "  takes no part: " + broker.whyNot()));
        }
        List<String> mean = new ArrayList<>(List.of("mean", ""));
        for (Resource resource : Resource.values()) {
            mean.add(balance.mean().text(resource));
        }
        lines.add(row(mean.toArray(String[]::new)));
        lines.add("");
    }

    private static String row(String... cells) {
        return String.format(
                        Locale.ROOT,
                        "%-7s %-8s %-22s %-22s %-18s %-14s",
                        cells[0],
                        cells[1],
                        cells[2],
                        cells[3],
                        cells[4],
                        cells[5])
                .stripTrailing();
    }

    private static void addLimits(List<String> lines, Balance balance) {
        lines.add(String.format(
                Locale.ROOT,
                "Balancing is %s; tolerance %.0f %%; %d of %d moves a minute used; planned by node %d",
                balance.enabled() ? "on" : "paused",
                100 * balance.tolerance(),
                balance.movesInLastMinute(),
                balance.movesPerMinute(),
                balance.controllerId()));
        if (!balance.excludedTopics().isEmpty()) {
            lines.add("Excluded topics: " + String.join(", ", balance.excludedTopics()) + " ("
                    + balance.excludedPartitions() + " partitions)");
        }
        if (!balance.excludedBrokers().isEmpty()) {
            lines.add("Excluded brokers: " + balance.excludedBrokers());
        }
        if (balance.restingPartitions() > 0) {
            lines.add(balance.restingPartitions() + " partitions have moved within the last minute and stay for now");
        }
        if (!balance.underWay().isEmpty()) {
            lines.add(balance.underWay().size() + " moves are under way:");
            balance.underWay().stream().limit(MOST_UNDER_WAY).forEach(move -> lines.add("  " + place(move)));
        }
    }

    private static String place(Move move) {
        return move.topic() + "-" + move.partition() + " from broker " + move.from() + " to broker " + move.to();
    }

    private static void addMoves(List<String> lines, Balance balance) {
        if (balance.moves().isEmpty()) {
            lines.add("No partition should move");
            return;
        }
        lines.add(count(balance) + " should move, in this order:");
        for (Move move : balance.moves()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  %s (%s in, %s out, %s)",
                    place(move),
                    Amounts.text(Resource.BYTES_IN, move.bytesIn()),
                    Amounts.text(Resource.BYTES_OUT, move.bytesOut()),
                    Amounts.text(Resource.REQUESTS, move.requests())));
            lines.add("    " + move.reason());
        }
    }
}
