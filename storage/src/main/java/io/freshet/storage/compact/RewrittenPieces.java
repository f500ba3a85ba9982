// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.PieceSource;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.ObjectEncoder;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;

/**
 * The bytes of a new object, made from others while it is written: blocks of the inputs go in order of stream and offset
 * through the encoder, which joins small ones. Holds one chunk of each input that is under way and what the encoder has not
 * given out. Runs on the executor; steps follow one another.
 */
final class RewrittenPieces implements PieceSource {
    private final Rewrite rewrite;
    private final BatchTransform transform;
    private final ObjectEncoder encoder;
    private final Function<Long, InputObject> open;
    private final Runnable requireGoingOn;
    private final Executor executor;
    private final int pieceBytes;
    private final Map<Long, InputObject> inputs = new HashMap<>();
    private final Map<Long, StreamSegment> lastInputs = new HashMap<>();
    private final List<SegmentCheckpoint> checkpoints = new ArrayList<>();
    private int group;
    private int input;
    private boolean isBegun;
    private List<StreamSegment> segments = List.of();
    private volatile long currentObjectId = -1;

    /**
     * @param transform what becomes of the batches
     * @param open makes the reader of one input object
     * @param requireGoingOn throws when the work must stop
     */
    RewrittenPieces(
            Rewrite rewrite,
            BatchTransform transform,
            ObjectEncoder encoder,
            Function<Long, InputObject> open,
            Runnable requireGoingOn,
            Executor executor,
            int pieceBytes) {
        this.rewrite = rewrite;
        this.transform = transform;
        this.encoder = encoder;
        this.open = open;
        this.requireGoingOn = requireGoingOn;
        this.executor = executor;
        this.pieceBytes = pieceBytes;
        rewrite.inputs().forEach(segment -> lastInputs.put(segment.objectId(), segment));
    }

    /** What the new object holds; only after the last piece was given. */
    List<StreamSegment> segments() {
        return segments;
    }

    long sizeBytes() {
        return encoder.sizeBytes();
    }

    /** The input that was read last. */
    long currentObjectId() {
        return currentObjectId;
    }

    @Override
    public CompletableFuture<List<ByteBuffer>> next() {
        return CompletableFuture.completedFuture(null).thenComposeAsync(nothing -> fill(), executor);
    }

    private CompletableFuture<List<ByteBuffer>> fill() {
        requireGoingOn.run();
        while (encoder.pendingBytes() < pieceBytes && group < rewrite.groups().size()) {
            SegmentGroup filling = rewrite.groups().get(group);
            StreamSegment segment = filling.inputs().get(input);
            InputObject object = inputs.computeIfAbsent(segment.objectId(), open);
            currentObjectId = segment.objectId();
            if (!object.isReady(segment)) {
                return object.advance().thenComposeAsync(nothing -> fill(), executor);
            }
            step(filling, segment, object);
        }
        return CompletableFuture.completedFuture(packed(encoder.drain()));
    }

    /** One copy: slices would keep the chunks that they were cut from in memory for as long as the store holds them. */
    private static List<ByteBuffer> packed(List<ByteBuffer> slices) {
        if (slices.isEmpty()) {
            return slices;
        }
        ByteBuffer piece = ByteBuffer.allocate(Math.toIntExact(PieceSource.sizeBytes(slices)));
        slices.forEach(slice -> piece.put(slice.duplicate()));
        return List.of(piece.flip());
    }

    private void step(SegmentGroup filling, StreamSegment segment, InputObject object) {
        if (!isBegun) {
            encoder.begin(filling.streamId(), filling.startOffset(), filling.endOffset());
            isBegun = true;
        }
        if (!object.isFinished(segment)) {
            encoder.addBatches(transform.apply(object.takeBlock()));
            return;
        }
        checkpoints.add(object.trailer(segment).checkpoint());
        if (segment.equals(lastInputs.get(segment.objectId()))) {
            inputs.remove(segment.objectId());
        }
        input++;
        if (input < filling.inputs().size()) {
            return;
        }
        encoder.end(transform.checkpoint(Checkpoints.merged(checkpoints)));
        checkpoints.clear();
        input = 0;
        isBegun = false;
        group++;
        if (group == rewrite.groups().size()) {
            segments = encoder.complete();
        }
    }

    /** Fails unless the new object covers what its inputs covered. */
    void check() {
        Optional<String> fault = fault();
        if (fault.isPresent()) {
            throw new FreshetException(
                    io.freshet.common.ErrorKind.INTERNAL, "A rewritten object is wrong: " + fault.get());
        }
    }

    private Optional<String> fault() {
        if (segments.size() != rewrite.groups().size()) {
            return Optional.of(
                    segments.size() + " segments of " + rewrite.groups().size() + " groups");
        }
        for (int i = 0; i < segments.size(); i++) {
            SegmentGroup from = rewrite.groups().get(i);
            StreamSegment made = segments.get(i);
            boolean isSame = made.streamId() == from.streamId()
                    && made.startOffset() == from.startOffset()
                    && made.endOffset() == from.endOffset()
                    && (transform.changesBatches() || made.sizeBytes() == from.sizeBytes());
            if (!isSame) {
                return Optional.of(made + " made of " + from);
            }
        }
        return Optional.empty();
    }
}
