// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

import java.util.List;

/**
 * What a broker has measured of the partitions that it leads.
 *
 * @param hottest those with the most load, at most {@link #MAX_PARTITIONS}
 * @param rest the sum of all others
 */
public record LoadReport(int brokerId, long brokerEpoch, List<PartitionLoad> hottest, Load rest) {
    public static final int MAX_PARTITIONS = 1_000;

    public LoadReport {
        hottest = List.copyOf(hottest);
        if (hottest.size() > MAX_PARTITIONS) {
            throw new IllegalArgumentException(
                    "A report names at most " + MAX_PARTITIONS + " partitions, not " + hottest.size());
        }
    }
}
