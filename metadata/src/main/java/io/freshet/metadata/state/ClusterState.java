// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.record.NextIdsRecord;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.record.RowsRecord;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.writer.ImageReWriter;
import org.apache.kafka.image.writer.ImageWriterOptions;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.jspecify.annotations.Nullable;

/**
 * The state as a function of the log: Kafka's image in memory and our tables in RocksDB. The tables may be ahead of the
 * image after a restart; then their part of a record is skipped, as it is already there. Changed by the metadata thread
 * alone; {@link #image()} and {@link #manifests()} may be read by any thread.
 */
public final class ClusterState {
    private final ManifestStore store;
    private final Manifests manifests;
    private volatile MetadataImage image = MetadataImage.EMPTY;

    public ClusterState(ManifestStore store) {
        this.store = store;
        this.manifests = new StoredManifests(store, this::image);
    }

    public MetadataImage image() {
        return image;
    }

    public Manifests manifests() {
        return manifests;
    }

    /** The last log offset in the image; −1 if none. */
    public long appliedOffset() {
        return image.provenance().lastContainedOffset();
    }

    /** Differs from what it was when brokers, WALs or wishes for moves have changed since. */
    public long membersVersion() {
        return store.version(Table.MEMBERS) + store.version(Table.WALS) + store.version(Table.MOVE_WISHES);
    }

    /** The last log offset in the tables, which may be ahead of the image after a restart. */
    public long tablesOffset() {
        return store.appliedOffset();
    }

    /** Which manifests are kept; null if this state is whole. */
    public @Nullable Holdings holdings() {
        return store.holdings();
    }

    /** A throw-away view for a controller: this state plus what it is about to append. */
    public Speculation speculate() {
        if (store.holdings() != null) {
            throw new FreshetException(
                    ErrorKind.INTERNAL, "This node keeps a part of the state only and can decide nothing");
        }
        return new Speculation(store.newView(), image);
    }

    /** Applies committed batches in order; returns what changed in the image. */
    public MetadataDelta apply(Iterator<Batch<ApiMessageAndVersion>> batches) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
        MetadataProvenance provenance = image.provenance();
        while (batches.hasNext()) {
            Batch<ApiMessageAndVersion> batch = batches.next();
            applyBatch(batch, delta);
            provenance = new MetadataProvenance(batch.lastOffset(), batch.epoch(), batch.appendTimestamp(), true);
        }
        image = delta.apply(provenance);
        return delta;
    }

    private void applyBatch(Batch<ApiMessageAndVersion> batch, MetadataDelta delta) {
        if (batch.records().isEmpty()) {
            return;
        }
        boolean isInTables = batch.lastOffset() <= store.appliedOffset();
        Holdings holdings = store.holdings();
        if (holdings != null) {
            holdings.applying(batch.lastOffset());
        }
        ManifestView view = store.newView();
        boolean changed = false;
        for (ApiMessageAndVersion entry : batch.records()) {
            ApiMessage change = entry.message();
            if (!(change instanceof OwnRecord own)) {
                delta.replay(change);
            } else if (!isInTables) {
                view.apply(own);
                changed = true;
            }
        }
        if (changed) {
            view.commit(new OffsetAndEpoch(batch.lastOffset(), batch.epoch()));
        }
    }

    /**
     * Replaces the state by a snapshot that holds everything before {@code end}; the tables stay if they are already as far,
     * and then reading ends where their rows begin: nothing else follows.
     */
    public MetadataDelta load(
            Iterator<Batch<ApiMessageAndVersion>> batches, OffsetAndEpoch end, long lastContainedLogTimeMs) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
        boolean isInTables = end.offset() - 1 <= store.appliedOffset();
        if (!isInTables) {
            store.clear();
        }
        boolean goesOn = true;
        while (goesOn && batches.hasNext()) {
            for (ApiMessageAndVersion entry : batches.next().records()) {
                ApiMessage change = entry.message();
                if (!(change instanceof OwnRecord own)) {
                    delta.replay(change);
                } else if (!isInTables) {
                    load(own);
                } else {
                    goesOn &= !(own instanceof RowsRecord);
                }
            }
        }
        delta.finishSnapshot();
        if (!isInTables) {
            store.markApplied(new OffsetAndEpoch(end.offset() - 1, end.epoch()));
        }
        image = delta.apply(new MetadataProvenance(end.offset() - 1, end.epoch(), lastContainedLogTimeMs, true));
        return delta;
    }

    private void load(OwnRecord own) {
        if (own instanceof RowsRecord rows) {
            store.load(rows);
            return;
        }
        ManifestView view = store.newView();
        view.apply(own);
        view.commit(new OffsetAndEpoch(-1, 0));
    }

    /** Freezes the present state for a snapshot that another thread writes. Close it. */
    public FrozenState freeze() {
        return new FrozenState(image, store.newView().nextIds(), store.freeze());
    }

    /** The present state for look-ups by another thread, while changes go on. Close it. */
    public StateReads freezeForLookUps() {
        return new StateReads(appliedOffset(), store.freezeForLookUps());
    }

    /** What leads from the empty image to {@code image}. */
    public static MetadataDelta deltaFromEmpty(MetadataImage image) {
        MetadataDelta delta =
                new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        if (!image.isEmpty()) {
            image.write(new ImageReWriter(delta), new ImageWriterOptions.Builder(image).build());
        }
        return delta;
    }

    /** One instant of both parts. */
    public static final class FrozenState implements AutoCloseable {
        private final MetadataImage image;
        private final NextIdsRecord nextIds;
        private final FrozenTables tables;

        private FrozenState(MetadataImage image, NextIdsRecord nextIds, FrozenTables tables) {
            this.image = image;
            this.nextIds = nextIds;
            this.tables = tables;
        }

        public MetadataImage image() {
            return image;
        }

        /** Has what the tables hold now written to the disk, for a restart that begins at this state. Blocks. */
        public void syncTables() {
            tables.sync();
        }

        /** Hands our part, as records, to {@code sink}. */
        public void forEachOwnRecord(Consumer<ApiMessageAndVersion> sink) {
            sink.accept(nextIds.versioned());
            boolean isPacked = FreshetVersion.of(image) >= FreshetVersion.CLUSTER;
            tables.forEachRun(
                    rows -> sink.accept((isPacked && !rows.isPartialMark() ? rows.packed() : rows).versioned()));
        }

        @Override
        public void close() {
            tables.close();
        }
    }

    /** The state as it will be when the records generated so far are committed. The metadata thread's. */
    public static final class Speculation {
        private final ManifestView manifests;
        private MetadataImage image;

        private Speculation(ManifestView manifests, MetadataImage image) {
            this.manifests = manifests;
            this.image = image;
        }

        public ManifestView manifests() {
            return manifests;
        }

        public MetadataImage image() {
            return image;
        }

        public void replay(List<ApiMessageAndVersion> records) {
            if (records.isEmpty()) {
                return;
            }
            MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
            boolean changed = false;
            for (ApiMessageAndVersion entry : records) {
                if (entry.message() instanceof OwnRecord own) {
                    manifests.apply(own);
                } else {
                    delta.replay(entry.message());
                    changed = true;
                }
            }
            if (changed) {
                image = delta.apply(image.provenance());
            }
        }
    }
}
