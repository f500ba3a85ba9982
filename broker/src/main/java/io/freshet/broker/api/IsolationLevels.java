// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.InvalidRequestException;

/** Reads the isolation level that a client asks for. */
public final class IsolationLevels {
    private IsolationLevels() {}

    /** Throws InvalidRequestException for a level that does not exist. */
    public static boolean isReadCommitted(byte level) {
        if (level == IsolationLevel.READ_COMMITTED.id()) {
            return true;
        }
        if (level != IsolationLevel.READ_UNCOMMITTED.id()) {
            throw new InvalidRequestException(
                    "There is no isolation level " + level + "; 0 is read uncommitted, 1 is read committed");
        }
        return false;
    }
}
