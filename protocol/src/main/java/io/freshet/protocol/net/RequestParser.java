// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.protocol.EnabledApis;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.network.ClientInformation;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.ApiVersionsRequest;
import org.apache.kafka.common.requests.RequestContext;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;

/** Parses the frames of one connection and remembers what its client says about itself. Confined to one event loop. */
final class RequestParser {
    private final EnabledApis apis;
    private final ListenerName listener;
    private final String connectionId;
    private final InetSocketAddress client;
    private ClientInformation clientInformation = ClientInformation.EMPTY;

    RequestParser(EnabledApis apis, String listener, String connectionId, InetSocketAddress client) {
        this.apis = apis;
        this.listener = new ListenerName(listener);
        this.connectionId = connectionId;
        this.client = client;
    }

    /** A request and the context that it came in. */
    record Parsed(RequestContext context, AbstractRequest body) {}

    /** Throws a RuntimeException on bytes that are no request which this server takes. */
    Parsed parse(ByteBuffer bytes) {
        RequestHeader header = RequestHeader.parse(bytes);
        if (header.apiKey() != ApiKeys.API_VERSIONS && !apis.isEnabled(header.apiKey(), header.apiVersion())) {
            throw new InvalidRequestException(
                    "Api " + header.apiKey() + " version " + header.apiVersion() + " is not served");
        }
        RequestContext context = new RequestContext(
                header,
                connectionId,
                client.getAddress(),
                Optional.of(client.getPort()),
                KafkaPrincipal.ANONYMOUS,
                listener,
                SecurityProtocol.PLAINTEXT,
                clientInformation,
                false);
        AbstractRequest body = context.parseRequest(bytes).request;
        if (body instanceof ApiVersionsRequest versions
                && !versions.hasUnsupportedRequestVersion()
                && versions.isValid()) {
            clientInformation = new ClientInformation(
                    versions.data().clientSoftwareName(), versions.data().clientSoftwareVersion());
        }
        return new Parsed(context, body);
    }
}
