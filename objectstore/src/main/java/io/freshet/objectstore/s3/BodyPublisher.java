// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.objectstore.driver.Body;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.core.async.AsyncRequestBody;

/**
 * Sends a body's buffers as they are, in views of at most 128 KiB: Netty copies each heap view into a pooled direct
 * buffer just before the socket takes it, and small views keep those copies small and reused. What was sent is let go: the
 * HTTP client's idle connections remember their last request, and would keep its body in memory. A retry takes a new one.
 */
final class BodyPublisher implements AsyncRequestBody {
    private static final int VIEW_BYTES = 128 * 1024;

    private final long sizeBytes;
    private volatile @Nullable Body body;

    BodyPublisher(Body body) {
        this.sizeBytes = body.sizeBytes();
        this.body = body;
    }

    @Override
    public Optional<Long> contentLength() {
        return Optional.of(sizeBytes);
    }

    @Override
    public String contentType() {
        return "application/octet-stream";
    }

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
        Body unsent = body;
        if (unsent != null) {
            subscriber.onSubscribe(new Sending(subscriber, unsent.views(VIEW_BYTES), () -> body = null));
            return;
        }
        Sending nothing = new Sending(subscriber, List.of(), () -> {});
        nothing.cancel();
        subscriber.onSubscribe(nothing);
        subscriber.onError(new IllegalStateException("This body of " + sizeBytes + " bytes was sent already"));
    }

    /**
     * One pass over the views. {@code demand} counts what was asked for and not yet sent; whoever raises it from zero
     * is the sender until it is zero again, so {@code next} has one writer at a time.
     */
    private static final class Sending implements Subscription {
        private final Subscriber<? super ByteBuffer> subscriber;
        private final Runnable letGo;
        private List<ByteBuffer> views;
        private final AtomicLong demand = new AtomicLong();
        private final AtomicBoolean finished = new AtomicBoolean();
        private int next;

        Sending(Subscriber<? super ByteBuffer> subscriber, List<ByteBuffer> views, Runnable letGo) {
            this.subscriber = subscriber;
            this.views = views;
            this.letGo = letGo;
        }

        @Override
        public void request(long count) {
            if (count <= 0) {
                if (finished.compareAndSet(false, true)) {
                    subscriber.onError(
                            new IllegalArgumentException("Asked for " + count + " buffers; ask for 1 or more"));
                }
                return;
            }
            if (demand.getAndAccumulate(count, Sending::addCapped) == 0) {
                send();
            }
        }

        private static long addCapped(long a, long b) {
            long sum = a + b;
            return sum < 0 ? Long.MAX_VALUE : sum;
        }

        private void send() {
            do {
                if (finished.get()) {
                    return;
                }
                if (next < views.size()) {
                    subscriber.onNext(views.get(next++));
                }
                if (next == views.size() && finished.compareAndSet(false, true)) {
                    views = List.of();
                    letGo.run();
                    subscriber.onComplete();
                    return;
                }
            } while (demand.decrementAndGet() > 0);
        }

        @Override
        public void cancel() {
            finished.set(true);
        }
    }
}
