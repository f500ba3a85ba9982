// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A program of this class path in a JVM that {@link Namespaces} encloses, and that ends when the one that started it does. */
public final class Enclosed {
    private static final String MARK = "freshet.enclosed";

    private Enclosed() {}

    /** Whether this is such a JVM. */
    public static boolean isEnclosed() {
        return Boolean.getBoolean(MARK);
    }

    /** The first thing to do in such a JVM. */
    public static void endWithParent() {
        Thread watch = new Thread(Enclosed::awaitParentsEnd, "parent-watch");
        watch.setDaemon(true);
        watch.start();
    }

    /** The parent never writes: the stream ends when it does. */
    private static void awaitParentsEnd() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (IOException e) {
            // It is gone.
        }
        Runtime.getRuntime().halt(3);
    }

    /** Runs {@code main} with this JVM's options and output; returns its exit code. */
    public static int run(Namespaces namespaces, String main, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> options =
                new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        Process process = start(namespaces, options, main, arguments)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            return process.waitFor();
        } finally {
            process.destroyForcibly();
        }
    }

    /** The same with options for the JVM, to be started; {@code main} begins with {@link #endWithParent}. */
    public static ProcessBuilder start(
            Namespaces namespaces, List<String> options, String main, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-D" + MARK + "=true", "-cp", System.getProperty("java.class.path"), main));
        command.addAll(arguments);
        return namespaces.around(command);
    }
}
