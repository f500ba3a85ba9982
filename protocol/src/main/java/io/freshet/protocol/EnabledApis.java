// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.protocol.ApiKeys;

/** Which requests this server takes; a client that sends another is disconnected, as Kafka does. Called on event loops. */
public interface EnabledApis {
    boolean isEnabled(ApiKeys api, short version);

    /** Every stable version of every API that a Kafka broker has. */
    static EnabledApis stable() {
        return (api, version) -> api.inScope(ListenerType.BROKER) && api.isVersionEnabled(version, false);
    }

    /** Every stable version of every API that a Kafka controller has. */
    static EnabledApis controllers() {
        return (api, version) -> api.inScope(ListenerType.CONTROLLER) && api.isVersionEnabled(version, false);
    }
}
