// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Programs that end by themselves. */
final class Commands {
    private Commands() {}

    /** Runs one with its output in {@code log}; an IOException if it fails. */
    static void run(List<String> command, Map<String, String> environment, Path log)
            throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        int code = builder.start().waitFor();
        if (code != 0) {
            throw new IOException(command.get(0) + " ended with " + code + "; see " + log);
        }
    }
}
