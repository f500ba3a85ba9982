// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * Puts the body of one ranged GET straight into the caller's buffer. Bytes that arrive after {@link #close()} are
 * dropped, so that a request which timed out never touches a buffer that its caller already has back. The buffer and
 * the flag are guarded by this object's lock.
 */
final class RangeReader implements AsyncResponseTransformer<GetObjectResponse, Void>, Subscriber<ByteBuffer> {
    private final String name;
    private final ByteBuffer target;
    private final int wantedBytes;
    private final CompletableFuture<Void> result = new CompletableFuture<>();
    private volatile @Nullable Subscription subscription;
    private volatile @Nullable FreshetException refusal;
    private boolean closed;

    RangeReader(String name, ByteBuffer target) {
        this.name = name;
        this.target = target;
        this.wantedBytes = target.remaining();
    }

    /** From now on the buffer is the caller's again. */
    synchronized void close() {
        closed = true;
    }

    @Override
    public CompletableFuture<Void> prepare() {
        return result;
    }

    @Override
    public void onResponse(GetObjectResponse response) {
        Long length = response.contentLength();
        if (length != null && length < wantedBytes) {
            refusal = new FreshetException(
                    ErrorKind.CORRUPT,
                    name + " holds only " + length + " of the " + wantedBytes + " bytes that were asked for"
                            + "; check what named that range");
        } else if (length != null && length > wantedBytes) {
            refusal = new FreshetException(
                    ErrorKind.INVALID,
                    name + " was answered with " + length + " instead of " + wantedBytes
                            + " bytes; use a store that honours the Range header");
        }
    }

    @Override
    public void onStream(SdkPublisher<ByteBuffer> publisher) {
        publisher.subscribe(this);
    }

    @Override
    public void exceptionOccurred(Throwable error) {
        result.completeExceptionally(error);
    }

    @Override
    public void onSubscribe(Subscription s) {
        subscription = s;
        FreshetException refused = refusal;
        if (refused != null) {
            s.cancel();
            result.completeExceptionally(refused);
        } else {
            s.request(Long.MAX_VALUE);
        }
    }

    @Override
    public void onNext(ByteBuffer bytes) {
        if (!take(bytes)) {
            Subscription s = subscription;
            if (s != null) {
                s.cancel();
            }
            result.completeExceptionally(brokenOff("does not fit the " + wantedBytes + " bytes that were asked for"));
        }
    }

    private synchronized boolean take(ByteBuffer bytes) {
        if (closed || bytes.remaining() > target.remaining()) {
            return false;
        }
        target.put(bytes);
        return true;
    }

    @Override
    public void onError(Throwable error) {
        result.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
        int missing = missingBytes();
        if (missing == 0) {
            result.complete(null);
        } else {
            result.completeExceptionally(brokenOff("ended " + missing + " bytes too early"));
        }
    }

    private synchronized int missingBytes() {
        return target.remaining();
    }

    private FreshetException brokenOff(String what) {
        return new FreshetException(ErrorKind.UNAVAILABLE, "The answer to " + name + " " + what + "; retry");
    }
}
