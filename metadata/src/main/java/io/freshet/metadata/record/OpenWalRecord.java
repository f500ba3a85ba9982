// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

/** A WAL that its owner is about to write, from slot 0 on. */
public final class OpenWalRecord extends NamedWalRecord {
    static final short API_KEY = FIRST_API_KEY + 7;

    OpenWalRecord() {
        this(0, 0);
    }

    public OpenWalRecord(int brokerId, long brokerEpoch) {
        super(API_KEY, brokerId, brokerEpoch);
    }
}
