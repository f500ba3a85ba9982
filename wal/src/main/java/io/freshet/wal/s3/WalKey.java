// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.WalState;

/** Which WAL: one registration of one broker. */
record WalKey(int brokerId, long brokerEpoch) {
    static WalKey of(WalState wal) {
        return new WalKey(wal.brokerId(), wal.brokerEpoch());
    }

    @Override
    public String toString() {
        return "the S3 WAL of broker " + brokerId + " epoch " + brokerEpoch;
    }
}
