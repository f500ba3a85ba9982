// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.protocol.KafkaRequest;
import java.net.InetAddress;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;

/** Who calls and how, in the form that Kafka's coordinators and authorizer take. */
public record CallContext(KafkaRequest request, SecurityProtocol securityProtocol)
        implements AuthorizableRequestContext {
    /** The context of a request on a plaintext listener. */
    public static CallContext of(KafkaRequest request) {
        return new CallContext(request, SecurityProtocol.PLAINTEXT);
    }

    @Override
    public String listenerName() {
        return request.listenerName();
    }

    @Override
    public KafkaPrincipal principal() {
        return request.principal();
    }

    @Override
    public InetAddress clientAddress() {
        return request.clientAddress();
    }

    @Override
    public int requestType() {
        return request.header().apiKey().id;
    }

    @Override
    public int requestVersion() {
        return request.header().apiVersion();
    }

    @Override
    public String clientId() {
        return request.header().clientId();
    }

    @Override
    public int correlationId() {
        return request.header().correlationId();
    }
}
