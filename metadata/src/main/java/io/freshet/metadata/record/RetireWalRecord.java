// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

/** A sealed WAL is forgotten and can never be opened again. */
public final class RetireWalRecord extends NamedWalRecord {
    static final short API_KEY = FIRST_API_KEY + 10;

    RetireWalRecord() {
        this(0, 0);
    }

    public RetireWalRecord(int brokerId, long brokerEpoch) {
        super(API_KEY, brokerId, brokerEpoch);
    }
}
