// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Hands each request to the handler of its API. Routes are registered by the server's start before the first request is
 * accepted; afterwards the router is safe for use by many threads.
 *
 * <p>A request of an API or a version that is not registered ends its connection, as Kafka does: the client was told what is
 * served. ApiVersions alone is handed on in every version, since its answer is how a client learns.
 */
public final class ApiRouter implements RequestHandler {
    private volatile Map<ApiKeys, Route> routes = new EnumMap<>(ApiKeys.class);

    /** Serves {@code api} in every stable version that the protocol library knows. */
    public ApiRouter register(ApiKeys api, RequestHandler handler) {
        return register(api, api.oldestVersion(), api.latestVersion(false), handler);
    }

    /**
     * Serves {@code api} in versions {@code minVersion} to {@code maxVersion}, both inclusive. Throws
     * IllegalArgumentException if the library does not know one of them or the API has a handler already.
     */
    public synchronized ApiRouter register(ApiKeys api, int minVersion, int maxVersion, RequestHandler handler) {
        if (minVersion > maxVersion || minVersion < api.oldestVersion() || maxVersion > api.latestVersion(false)) {
            throw new IllegalArgumentException("Cannot serve " + api + " in versions " + minVersion + " to "
                    + maxVersion + ": the protocol library knows " + api.oldestVersion() + " to "
                    + api.latestVersion(false));
        }
        EnumMap<ApiKeys, Route> changed = new EnumMap<>(routes);
        Route route = new Route(new ServedVersions((short) minVersion, (short) maxVersion), handler);
        if (changed.putIfAbsent(api, route) != null) {
            throw new IllegalArgumentException(api + " has a handler already; register each API once");
        }
        routes = changed;
        return this;
    }

    /** The APIs that are served, each with its versions. */
    public Map<ApiKeys, ServedVersions> served() {
        EnumMap<ApiKeys, ServedVersions> served = new EnumMap<>(ApiKeys.class);
        routes.forEach((api, route) -> served.put(api, route.versions));
        return Collections.unmodifiableMap(served);
    }

    @Override
    public void handle(KafkaRequest request) {
        ApiKeys api = request.header().apiKey();
        Route route = routes.get(api);
        if (route == null || !route.accepts(api, request.header().apiVersion())) {
            request.disconnect(
                    "Received " + api + " in version " + request.header().apiVersion()
                            + ", which is not among the versions that this broker told its clients");
            return;
        }
        try {
            route.handler.handle(request);
        } catch (RuntimeException e) {
            Replies.fail(request, e);
        }
    }

    /** The versions of one API that are served, both ends inclusive. */
    public record ServedVersions(short minVersion, short maxVersion) {
        boolean contains(short version) {
            return minVersion <= version && version <= maxVersion;
        }
    }

    private record Route(ServedVersions versions, RequestHandler handler) {
        boolean accepts(ApiKeys api, short version) {
            return api == ApiKeys.API_VERSIONS || versions.contains(version);
        }
    }
}
