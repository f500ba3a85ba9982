// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A command that ran to its end.
 *
 * @param code its exit code
 * @param output what it wrote to standard output
 * @param errors what it wrote to standard error
 */
record Command(int code, String output, String errors) {
    /** Runs one of the distribution's scripts; what lasts longer than {@code seconds} is killed and fails. */
    static Command run(int seconds, Map<String, String> environment, String script, String... arguments)
            throws IOException, InterruptedException {
        String[] command = new String[arguments.length + 1];
        command[0] = script(script);
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return exec(seconds, environment, Arrays.asList(command));
    }

    /** Full path of a script in the distribution's bin. */
    static String script(String name) {
        return FreshetProcess.distribution().resolve("bin").resolve(name).toString();
    }

    static Command exec(int seconds, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("freshet-command", ".out");
        Path errors = Files.createTempFile("freshet-command", ".err");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile());
            builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
            builder.environment().put("KAFKA_HEAP_OPTS", "-Xms128m -Xmx512m -XX:MaxDirectMemorySize=2500m");
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                throw new IllegalStateException(
                        command + " did not end within " + seconds + " s: " + Files.readString(errors));
            }
            return new Command(process.exitValue(), Files.readString(output), Files.readString(errors));
        } finally {
            Files.deleteIfExists(output);
            Files.deleteIfExists(errors);
        }
    }
}
