// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.FreshetException;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Hands one stream's entries to its lanes in an order that leaves no hole: all that are not durable yet are in one lane at any
 * time. An entry for another lane, and everything behind it, is held back until the last one of the present lane has been
 * answered; the thread that brings that answer hands the held ones over. Nobody waits.
 *
 * <p>Fields are guarded by the stream's lock unless they are atomic or volatile; lanes are called without it, as they may
 * answer at once.
 */
final class HandOver {
    private final Object lock;
    private final ArrayDeque<TailEntry> held = new ArrayDeque<>(0);
    /** Entries that were handed over and whose completion has not returned yet. */
    private final AtomicInteger unanswered = new AtomicInteger();

    /** Whether anything is, or is just being taken from, {@link #held}. */
    private volatile boolean isHolding;

    /** How many of the first {@link #held} are not handed over but fail, and why. */
    private int cancelledCount;

    private @Nullable FreshetException cancelCause;
    private boolean isDraining;
    private @Nullable WalLane lane;

    HandOver(Object lock) {
        this.lock = lock;
    }

    /**
     * Whether the caller, who holds the lock and is the only one that appends, shall hand the entry over itself when it has
     * released the lock; otherwise it is held, and the caller must call {@link #drain()} then.
     */
    boolean isDirect(TailEntry entry) {
        WalLane target = entry.lane();
        if (!isHolding && (target.equals(lane) || unanswered.get() == 0)) {
            lane = target;
            unanswered.incrementAndGet();
            return true;
        }
        held.add(entry);
        isHolding = true;
        return false;
    }

    /** The lane refused an entry that was to be handed over directly. */
    void takenBack() {
        unanswered.decrementAndGet();
    }

    /** An entry was answered and its completion has returned. Called by the lane's thread. */
    void answered() {
        if (unanswered.decrementAndGet() == 0 && isHolding) {
            drain();
        }
    }

    /** What is held now will not be handed over but fail, in its order. The caller holds the lock and calls {@link #drain()} without it. */
    void cancelHeld(FreshetException cause) {
        cancelledCount = held.size();
        cancelCause = cause;
    }

    /** The lane refused a held entry: it fails in its order. The caller holds the lock, within {@link #drain()}. */
    void putBack(TailEntry entry, FreshetException cause) {
        unanswered.decrementAndGet();
        held.addFirst(entry);
        cancelHeld(cause);
    }

    /** Hands over what may be. Called without the lock; one thread at a time does it, the others go on. */
    void drain() {
        boolean isMine = false;
        while (true) {
            TailEntry next;
            FreshetException cause;
            synchronized (lock) {
                if (isDraining && !isMine) {
                    return;
                }
                next = held.peek();
                cause = cancelledCount > 0 ? cancelCause : null;
                if (next == null || mustWait(next, cause != null)) {
                    isHolding = next != null;
                    isDraining = false;
                    return;
                }
                isDraining = true;
                isMine = true;
                take(next, cause != null);
            }
            if (cause != null) {
                next.end(cause);
            } else {
                next.handOverHeld();
            }
        }
    }

    private boolean mustWait(TailEntry next, boolean isCancelled) {
        boolean follows = !isCancelled && next.lane().equals(lane);
        return !follows && unanswered.get() > 0;
    }

    private void take(TailEntry next, boolean isCancelled) {
        held.remove();
        if (isCancelled) {
            cancelledCount--;
        } else {
            lane = next.lane();
            unanswered.incrementAndGet();
        }
    }
}
