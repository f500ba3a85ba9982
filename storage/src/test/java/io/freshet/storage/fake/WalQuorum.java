// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.storage.StreamMetadata;
import io.freshet.wal.s3.WalCatalog;
import io.freshet.wal.s3.WalOwners;
import io.freshet.wal.s3.WalRegistry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The quorum's knowledge of S3 WALs and their owners, with its real rules. Safe for use by many threads. */
public final class WalQuorum implements WalCatalog, WalOwners {
    private record Key(int brokerId, long brokerEpoch) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byBroker = Integer.compare(brokerId, other.brokerId);
            return byBroker != 0 ? byBroker : Long.compare(brokerEpoch, other.brokerEpoch);
        }
    }

    private final StreamMetadata streams;
    private final TreeMap<Key, WalState> wals = new TreeMap<>();
    private final Map<Key, WalSeal> seals = new HashMap<>();
    private final Map<Integer, Long> epochs = new HashMap<>();
    private final TreeSet<Integer> fenced = new TreeSet<>();
    private long nextEpoch;

    public WalQuorum(StreamMetadata streams) {
        this.streams = streams;
    }

    /** A new registration of a broker, not fenced. */
    public synchronized long register(int brokerId) {
        epochs.put(brokerId, ++nextEpoch);
        fenced.remove(brokerId);
        return nextEpoch;
    }

    public synchronized void fence(int brokerId) {
        fenced.add(brokerId);
    }

    /** Forgets a WAL against all rules. */
    public synchronized void lose(int brokerId, long brokerEpoch) {
        wals.remove(new Key(brokerId, brokerEpoch));
    }

    @Override
    public synchronized List<WalState> wals() {
        return List.copyOf(wals.values());
    }

    @Override
    public synchronized Optional<WalSeal> seal(int brokerId, long brokerEpoch) {
        return Optional.ofNullable(seals.get(new Key(brokerId, brokerEpoch)));
    }

    @Override
    public synchronized Standing standing(int brokerId, long brokerEpoch) {
        Long present = epochs.get(brokerId);
        if (present == null) {
            return Standing.GONE;
        }
        boolean isFenced = fenced.contains(brokerId);
        if (present > brokerEpoch) {
            return isFenced ? Standing.REPLACED_FENCED : Standing.REPLACED_ALIVE;
        }
        return isFenced ? Standing.FENCED : Standing.ALIVE;
    }

    @Override
    public synchronized List<Integer> alive() {
        List<Integer> alive = new ArrayList<>(new TreeSet<>(epochs.keySet()));
        alive.removeAll(fenced);
        return alive;
    }

    /** The quorum as one process sees it, which {@code transport} leads to. */
    public WalRegistry client(MemoryStreamMetadata.Transport transport) {
        return new Client(transport);
    }

    private final class Client implements WalRegistry {
        private final MemoryStreamMetadata.Transport transport;

        Client(MemoryStreamMetadata.Transport transport) {
            this.transport = transport;
        }

        private <T> CompletableFuture<T> command(String name, Supplier<T> change) {
            return transport.send(name, () -> {
                synchronized (WalQuorum.this) {
                    return change.get();
                }
            });
        }

        @Override
        public List<WalState> wals(int brokerId) {
            return WalQuorum.this.wals().stream()
                    .filter(wal -> wal.brokerId() == brokerId)
                    .toList();
        }

        @Override
        public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
            return command("open WAL", () -> {
                requirePresent(brokerId, brokerEpoch);
                wals.putIfAbsent(
                        new Key(brokerId, brokerEpoch), new WalState(brokerId, brokerEpoch, 0, WalState.NOT_SEALED));
                return null;
            });
        }

        private void requirePresent(int brokerId, long brokerEpoch) {
            if (!Objects.equals(epochs.get(brokerId), brokerEpoch) || fenced.contains(brokerId)) {
                throw new FreshetException(ErrorKind.FENCED, "Broker " + brokerId + " has another epoch now");
            }
        }

        @Override
        public CompletableFuture<Void> seal(WalSeal seal) {
            return command("seal WAL", () -> {
                Key key = new Key(seal.brokerId(), seal.brokerEpoch());
                WalState wal = wals.get(key);
                WalSeal former = seals.putIfAbsent(key, seal);
                if (wal == null || (former != null && !former.equals(seal))) {
                    throw new FreshetException(ErrorKind.INVALID, "Sealed otherwise: " + former + ", now " + seal);
                }
                wals.put(key, new WalState(seal.brokerId(), seal.brokerEpoch(), wal.startSlot(), seal.endSlot()));
                return null;
            });
        }

        @Override
        public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
            return command("refresh", () -> Optional.ofNullable(wals.get(new Key(brokerId, brokerEpoch))));
        }

        @Override
        public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
            return command("trim WAL", () -> {
                Key key = new Key(brokerId, brokerEpoch);
                WalState wal = wals.get(key);
                if (wal == null) {
                    return null;
                }
                if (!wal.isSealed()) {
                    requirePresent(brokerId, brokerEpoch);
                } else if (startSlot > wal.startSlot()) {
                    requireFreeable(wal, seals.get(key), startSlot);
                }
                wals.put(
                        key,
                        new WalState(brokerId, brokerEpoch, Math.max(startSlot, wal.startSlot()), wal.sealedEndSlot()));
                return null;
            });
        }

        private void requireFreeable(WalState wal, WalSeal seal, long startSlot) {
            boolean isCommitted = seal.streamEnds().entrySet().stream()
                    .allMatch(end -> streams.stream(end.getKey())
                            .map(StreamState::endOffset)
                            .map(committed -> committed >= end.getValue())
                            .orElse(true));
            if (startSlot != wal.sealedEndSlot() || !isCommitted) {
                throw new FreshetException(ErrorKind.INVALID, wal + " cannot be trimmed to " + startSlot);
            }
        }

        @Override
        public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
            return command("retire WAL", () -> {
                wals.remove(new Key(brokerId, brokerEpoch));
                return null;
            });
        }

        @Override
        public CompletableFuture<IdRange> reserveObjectIds(int count) {
            return streams.reserveObjectIds(count);
        }
    }
}
