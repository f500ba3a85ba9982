// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.partition.Partition;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalState;
import io.freshet.console.StorageSource;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.MetadataNode;
import io.freshet.storage.StreamLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/**
 * Answers the pages of {@link StoragePages} from the metadata and the open partitions. Manifests are read from the disk, or asked
 * from the quorum's leader, so pages are made on an executor of their own. Every page is bounded by its limit. Safe for use by many threads.
 */
public final class StorageQueries implements StorageSource {
    private static final int MAX_LIMIT = 1000;

    private final Executor executor;
    private final Supplier<StoragePages.Overview> overview;
    private final ObjectMapper json = new ObjectMapper();
    private volatile @Nullable Parts parts;

    private record Parts(
            MetadataNode metadata,
            StateSource state,
            Function<TopicPartition, Optional<Partition>> partitions,
            ToLongFunction<WalState> acknowledgedEndSlot) {}

    /**
     * @param executor makes the pages; when it refuses, the answer is 503
     * @param overview what {@code /api/storage} says
     */
    public StorageQueries(Executor executor, Supplier<StoragePages.Overview> overview) {
        this.executor = executor;
        this.overview = overview;
    }

    /**
     * From now on pages are served; before, the answer is 503.
     *
     * @param state what not every node keeps
     * @param acknowledgedEndSlot end of the acknowledged slots of an S3 WAL that this process writes; −1 for others
     */
    public void serve(
            MetadataNode metadata,
            StateSource state,
            Function<TopicPartition, Optional<Partition>> partitions,
            ToLongFunction<WalState> acknowledgedEndSlot) {
        parts = new Parts(metadata, state, partitions, acknowledgedEndSlot);
    }

    @Override
    public CompletionStage<Reply> answer(String path, Map<String, List<String>> parameters) {
        Parts now = parts;
        if (now == null) {
            return CompletableFuture.completedFuture(error(503, "this node is still starting; retry"));
        }
        try {
            return CompletableFuture.supplyAsync(() -> reply(now, path, new Query(parameters)), executor);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.completedFuture(error(503, "too many requests for these pages at once; retry"));
        }
    }

    private Reply reply(Parts now, String path, Query query) {
        try {
            Optional<Object> page = page(now, path.substring(PREFIX.length()), query);
            return page.map(found -> new Reply(200, write(found))).orElseGet(() -> error(404, "nothing is at " + path));
        } catch (FreshetException e) {
            int status = switch (e.kind()) {
                case INVALID -> 400;
                case UNAVAILABLE, THROTTLED -> 503;
                default -> 500;
            };
            return error(status, String.valueOf(e.getMessage()));
        }
    }

    private Optional<Object> page(Parts now, String path, Query query) {
        Manifests manifests = now.metadata.manifests();
        return switch (path) {
            case "", "/" -> Optional.of(overview.get());
            case "/streams" -> Optional.of(streams(manifests, query));
            case "/segments" -> Optional.of(segments(now.state, query));
            case "/objects" -> Optional.of(objects(now.state, query));
            case "/known" -> Optional.of(known(now.state, query));
            case "/wals" -> Optional.of(wals(now, query));
            default ->
                path.startsWith("/topics/")
                        ? Optional.ofNullable(topic(now, path.substring("/topics/".length())))
                        : Optional.empty();
        };
    }

    private static StoragePages.Streams streams(Manifests manifests, Query query) {
        int limit = query.limit();
        List<Long> ids = manifests.streamIds(query.number("after", -1), limit);
        List<StoragePages.Stream> found = new ArrayList<>();
        for (long id : ids) {
            manifests.stream(id)
                    .ifPresent(state -> found.add(new StoragePages.Stream(
                            id, state.leaderEpoch(), state.ownerId(), state.startOffset(), state.endOffset())));
        }
        return new StoragePages.Streams(found, ids.size() == limit);
    }

    private static StoragePages.Segments segments(StateSource state, Query query) {
        int limit = query.limit();
        List<StreamSegment> rows = state.segments(query.number("stream", -1), query.number("from", 0), limit);
        return new StoragePages.Segments(rows, rows.size() == limit);
    }

    private static StoragePages.Objects objects(StateSource state, Query query) {
        int limit = query.limit();
        List<LiveObject> rows = state.objects(query.number("after", -1), limit);
        return new StoragePages.Objects(rows, rows.size() == limit);
    }

    private static StoragePages.Known known(StateSource state, Query query) {
        List<String> states = state.objectStates(query.numbers("ids")).stream()
                .map(known -> known.name().toLowerCase(Locale.ROOT))
                .toList();
        return new StoragePages.Known(states);
    }

    private static StoragePages.Wals wals(Parts now, Query query) {
        long broker = query.number("broker", -1);
        long epoch = query.number("epoch", -1);
        int limit = query.limit();
        List<StoragePages.Wal> found = now.metadata.manifests().wals().stream()
                .filter(wal -> wal.brokerId() > broker || (wal.brokerId() == broker && wal.brokerEpoch() > epoch))
                .limit(limit)
                .map(wal -> new StoragePages.Wal(
                        wal.brokerId(),
                        wal.brokerEpoch(),
                        wal.startSlot(),
                        wal.sealedEndSlot(),
                        now.acknowledgedEndSlot.applyAsLong(wal)))
                .toList();
        return new StoragePages.Wals(found, found.size() == limit);
    }

    private static StoragePages.@Nullable Topic topic(Parts now, String name) {
        TopicImage topic = now.metadata.image().topics().getTopic(name);
        if (topic == null) {
            return null;
        }
        List<StoragePages.Partition> partitions = new ArrayList<>();
        topic.partitions().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> partitions.add(partition(now, topic, entry.getKey(), entry.getValue())));
        return new StoragePages.Topic(name, topic.id().toString(), partitions);
    }

    private static StoragePages.Partition partition(
            Parts now, TopicImage topic, int number, PartitionRegistration registration) {
        Manifests manifests = now.metadata.manifests();
        OptionalLong streamId = manifests.streamId(topic.id(), number);
        Optional<StreamState> state = streamId.isPresent() ? manifests.stream(streamId.getAsLong()) : Optional.empty();
        Optional<StreamLog> log =
                now.partitions.apply(new TopicPartition(topic.name(), number)).map(Partition::stream);
        return new StoragePages.Partition(
                number,
                streamId.orElse(-1),
                registration.leaderEpoch,
                registration.leader,
                state.map(StreamState::startOffset).orElse(-1L),
                state.map(StreamState::endOffset).orElse(-1L),
                log.map(StreamLog::durableEndOffset).orElse(-1L),
                log.map(StreamLog::endOffset).orElse(-1L),
                log.map(StorageQueries::walBytes).orElse(-1L));
    }

    private static long walBytes(StreamLog log) {
        long inObjects =
                log.segments().stream().mapToLong(StreamSegment::sizeBytes).sum();
        return Math.max(0, log.sizeBytes() - inObjects);
    }

    private Reply error(int status, String message) {
        return new Reply(status, write(new StoragePages.Error(message)));
    }

    private String write(Object page) {
        try {
            return json.writeValueAsString(page);
        } catch (JsonProcessingException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "Cannot write " + page.getClass() + " as JSON", e);
        }
    }

    private record Query(Map<String, List<String>> parameters) {
        long number(String name, long otherwise) {
            List<String> values = parameters.getOrDefault(name, List.of());
            return values.isEmpty() ? otherwise : parse(name, values.get(0));
        }

        List<Long> numbers(String name) {
            List<String> values = parameters.getOrDefault(name, List.of());
            List<Long> numbers = new ArrayList<>();
            if (!values.isEmpty()) {
                for (String value : values.get(0).split(",", MAX_LIMIT)) {
                    numbers.add(parse(name, value));
                }
            }
            return numbers;
        }

        int limit() {
            return (int) Math.max(1, Math.min(MAX_LIMIT, number("limit", MAX_LIMIT)));
        }

        private static long parse(String name, String value) {
            try {
                return Long.parseLong(value);
            } catch (NumberFormatException e) {
                throw new FreshetException(
                        ErrorKind.INVALID, "Parameter " + name + "=" + value + " is not a number; correct it", e);
            }
        }
    }
}
