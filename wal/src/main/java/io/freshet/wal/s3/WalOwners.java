// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.List;

/** Whose registrations the quorum honours, as this process's copy of the metadata says. Safe for many threads. */
public interface WalOwners {
    /** What the quorum says of one registration. */
    enum Standing {
        /** It is the present one and not fenced. */
        ALIVE,
        /** It is the present one and fenced: since its session lapsed, or because it never began. */
        FENCED,
        /** The broker has registered anew since; the new registration is honoured. */
        REPLACED_ALIVE,
        /** The broker has registered anew since; the new registration is fenced. */
        REPLACED_FENCED,
        /** The broker is not registered any more. */
        GONE
    }

    Standing standing(int brokerId, long brokerEpoch);

    /** Brokers that are registered and not fenced, ascending. */
    List<Integer> alive();
}
