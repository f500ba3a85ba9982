// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.runtime.Scheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** One process in a common virtual time: its tasks and timers run unless it is paused or dead. */
public final class SimHost implements Scheduler {
    private final SimRuntime runtime;
    private final List<Runnable> held = new ArrayList<>();
    private boolean isPaused;
    private boolean isDead;

    public SimHost(SimRuntime runtime) {
        this.runtime = runtime;
    }

    public void pause() {
        isPaused = true;
    }

    public void resume() {
        isPaused = false;
        held.forEach(runtime.executor()::execute);
        held.clear();
    }

    public void kill() {
        isDead = true;
        held.clear();
    }

    private void run(Runnable task) {
        if (isDead) {
            return;
        }
        if (isPaused) {
            held.add(() -> run(task));
        } else {
            task.run();
        }
    }

    @Override
    public Cancellable schedule(long delayMs, Runnable task) {
        return runtime.schedule(delayMs, () -> run(task));
    }

    public Executor executor() {
        return task -> runtime.executor().execute(() -> run(task));
    }
}
