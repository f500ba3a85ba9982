// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.List;
import java.util.function.LongFunction;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Decides, from the state that all earlier commands lead to, which records to append (maybe none) and what to answer. */
@FunctionalInterface
interface Command<T> {
    Decision<T> decide(Speculation state);

    /**
     * @param records appended as one batch; may be empty
     * @param answer given the log offset of the last record once it is applied (−1 without records)
     */
    record Decision<T>(List<ApiMessageAndVersion> records, LongFunction<T> answer) {
        static <T> Decision<T> of(List<ApiMessageAndVersion> records, T answer) {
            return new Decision<>(records, offset -> answer);
        }
    }
}
