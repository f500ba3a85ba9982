// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** CPU seconds of the machine and of this process with its ended children since their starts, from {@code /proc}. */
final class MachineCpu {
    private static final double CLOCK_TICKS_PER_SECOND = 100;
    private static final int IDLE = 3;
    private static final int WAITING_FOR_DISK = 4;
    private static final int STOLEN = 7;

    private MachineCpu() {}

    static double allSeconds() {
        String[] fields = read("/proc/stat").lines().findFirst().orElseThrow().split(" +", -1);
        double ticks = 0;
        for (int i = 0; i <= STOLEN; i++) {
            ticks += i == IDLE || i == WAITING_FOR_DISK ? 0 : Double.parseDouble(fields[i + 1]);
        }
        return ticks / CLOCK_TICKS_PER_SECOND;
    }

    /** With children that have ended and were waited for. */
    static double ownSeconds() {
        String stat = read("/proc/self/stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        double ticks = 0;
        for (int i = 11; i <= 14; i++) {
            ticks += Double.parseDouble(fields[i]);
        }
        return ticks / CLOCK_TICKS_PER_SECOND;
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
