// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.balance;

/** What the partitions of one broker have together, added up without an object for each of them. One thread. */
public final class BrokerSum {
    private double bytesIn;
    private double bytesOut;
    private double requests;
    private int partitions;

    /** One partition more. */
    public void add(Load load) {
        bytesIn += load.bytesIn();
        bytesOut += load.bytesOut();
        requests += load.requests();
        partitions++;
    }

    public Load load() {
        return new Load(bytesIn, bytesOut, requests);
    }

    public int partitions() {
        return partitions;
    }
}
