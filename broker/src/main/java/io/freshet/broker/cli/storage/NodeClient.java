// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.inspect.StoragePages;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Asks a running node for its pages about storage. Blocks; used by one thread at a time. */
final class NodeClient {
    private static final int PAGE = 1000;
    private static final int IDS_PER_REQUEST = 100;
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final String address;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final ObjectMapper json = new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    /** {@code address} is host:port. */
    NodeClient(String address) {
        this.address = address;
    }

    StoragePages.Overview overview() {
        return get("", StoragePages.Overview.class);
    }

    StoragePages.Topic topic(String name) {
        return get("/topics/" + URLEncoder.encode(name, StandardCharsets.UTF_8), StoragePages.Topic.class);
    }

    /** All rows of a manifest from {@code offset} on, page by page. */
    void forEachSegment(long streamId, long offset, Consumer<StreamSegment> visitor) {
        long from = offset;
        while (true) {
            StoragePages.Segments page = get(
                    "/segments?stream=" + streamId + "&from=" + from + "&limit=" + PAGE, StoragePages.Segments.class);
            page.segments().forEach(visitor);
            if (!page.hasMore()) {
                return;
            }
            from = page.segments().get(page.segments().size() - 1).endOffset();
        }
    }

    void forEachStream(Consumer<StoragePages.Stream> visitor) {
        long after = -1;
        while (true) {
            StoragePages.Streams page = get("/streams?after=" + after + "&limit=" + PAGE, StoragePages.Streams.class);
            page.streams().forEach(visitor);
            if (!page.hasMore() || page.streams().isEmpty()) {
                return;
            }
            after = page.streams().get(page.streams().size() - 1).streamId();
        }
    }

    /** The stream's present state; empty list if it is gone. */
    List<StoragePages.Stream> stream(long streamId) {
        return get("/streams?after=" + (streamId - 1) + "&limit=1", StoragePages.Streams.class).streams().stream()
                .filter(stream -> stream.streamId() == streamId)
                .toList();
    }

    void forEachObjectPage(Consumer<List<LiveObject>> visitor) {
        long after = -1;
        while (true) {
            StoragePages.Objects page = get("/objects?after=" + after + "&limit=" + PAGE, StoragePages.Objects.class);
            if (!page.objects().isEmpty()) {
                visitor.accept(page.objects());
                after = page.objects().get(page.objects().size() - 1).objectId();
            }
            if (!page.hasMore()) {
                return;
            }
        }
    }

    /** All S3 WALs that are not retired. */
    List<StoragePages.Wal> wals() {
        List<StoragePages.Wal> all = new ArrayList<>();
        String after = "";
        while (true) {
            StoragePages.Wals page = get("/wals?limit=" + PAGE + after, StoragePages.Wals.class);
            all.addAll(page.wals());
            if (!page.hasMore() || page.wals().isEmpty()) {
                return all;
            }
            StoragePages.Wal last = all.get(all.size() - 1);
            after = "&broker=" + last.brokerId() + "&epoch=" + last.brokerEpoch();
        }
    }

    /** For each id: live, retired or unknown. */
    List<String> known(List<Long> ids) {
        List<String> states = new ArrayList<>(ids.size());
        for (int from = 0; from < ids.size(); from += IDS_PER_REQUEST) {
            String some = ids.subList(from, Math.min(ids.size(), from + IDS_PER_REQUEST)).stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(","));
            states.addAll(get("/known?ids=" + some, StoragePages.Known.class).states());
        }
        return states;
    }

    private <T> T get(String path, Class<T> type) {
        try {
            HttpResponse<String> response = http.send(
                    HttpRequest.newBuilder(URI.create("http://" + address + "/api/storage" + path))
                            .timeout(TIMEOUT)
                            .build(),
                    HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            if (response.statusCode() != 200) {
                throw refused(path, response);
            }
            return json.readValue(response.body(), type);
        } catch (IOException | IllegalArgumentException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "No answer from a node at http://" + address + " (" + e
                            + "); name the host:port of its http.listener with --http",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while asking " + address, e);
        }
    }

    private FreshetException refused(String path, HttpResponse<String> response) {
        ErrorKind kind = switch (response.statusCode()) {
            case 404 -> ErrorKind.MISSING;
            case 503 -> ErrorKind.UNAVAILABLE;
            default -> ErrorKind.INTERNAL;
        };
        return new FreshetException(
                kind,
                "The node at http://" + address + " answered " + response.statusCode() + " to /api/storage" + path
                        + ": " + response.body());
    }
}
