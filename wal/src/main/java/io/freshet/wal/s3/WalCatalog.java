// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Optional;

/** All S3 WALs of the cluster, as this process's copy of the metadata knows them. Reads are local. Safe for many threads. */
public interface WalCatalog {
    /** WALs of all brokers that are not retired. */
    List<WalState> wals();

    /** The seal of a WAL that is not retired; empty if it is not sealed, or not known. */
    Optional<WalSeal> seal(int brokerId, long brokerEpoch);
}
