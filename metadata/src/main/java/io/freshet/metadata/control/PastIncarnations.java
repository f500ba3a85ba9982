// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.ClusterController.BrokerSpec;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.kafka.common.Uuid;

/**
 * Incarnations of brokers that others have replaced while this node led, the newest thousand. A registration that travelled for long may
 * arrive when its sender has registered anew, and must not take that one's place. Metadata thread.
 */
final class PastIncarnations {
    private static final int KEPT = 1_000;

    private final Set<Uuid> past = new LinkedHashSet<>();

    /** @throws FreshetException FENCED if another has replaced the incarnation that asks */
    void requireNotPast(BrokerSpec spec) {
        if (past.contains(spec.incarnationId())) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Broker " + spec.brokerId() + " has registered anew since incarnation " + spec.incarnationId()
                            + " did; this request came too late");
        }
    }

    /** Another takes the place of {@code incarnation}. */
    void add(Uuid incarnation) {
        past.add(incarnation);
        if (past.size() > KEPT) {
            past.remove(past.iterator().next());
        }
    }
}
