// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Runs a command in a network, a process table and mounts of its own: nothing of it reaches other machines, or this machine's own
 * network, and all of it ends with the command, however that ends. Without root, where users may make user namespaces.
 */
public final class Namespaces {
    /** Of {@code unshare}: the kernel ends all processes inside when the first of them ends, and that one with its parent. */
    private static final List<String> OPTIONS =
            List.of("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc");

    /** All that a {@link PrivateNetwork} needs, tried out. */
    private static final String PROBE =
            "set -e; mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip netns add probe;"
                    + " ip link add bridge type bridge; ip link add one type veth peer name other netns probe;"
                    + " ip link set one master bridge; ip -n probe link set other up;"
                    + " ip -n probe route add blackhole 10.77.1.1/32; nsenter --net=/run/netns/probe true";

    private final List<String> prefix;

    private Namespaces(List<String> prefix) {
        this.prefix = prefix;
    }

    /** What the machine permits. */
    public sealed interface Permission {
        /** Commands can be run. */
        record Granted(Namespaces namespaces) implements Permission {}

        /** They cannot; {@code reason} is what the machine says. */
        record Refused(String reason) implements Permission {}
    }

    /** Tries, as root or as a user who becomes root in namespaces of their own. */
    public static Permission ask() throws IOException, InterruptedException {
        List<String> plain = new ArrayList<>(List.of("unshare"));
        plain.addAll(OPTIONS);
        List<String> mapped = new ArrayList<>(List.of("unshare", "--user", "--map-root-user"));
        mapped.addAll(OPTIONS);
        String first = refusal(plain).orElse("");
        if (first.isEmpty()) {
            return new Permission.Granted(new Namespaces(plain));
        }
        String second = refusal(mapped).orElse("");
        return second.isEmpty()
                ? new Permission.Granted(new Namespaces(mapped))
                : new Permission.Refused(
                        "network namespaces are not permitted here: " + first + "; as a user: " + second);
    }

    private static Optional<String> refusal(List<String> prefix) throws InterruptedException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of("sh", "-c", PROBE));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(new java.io.File("/dev/null"))
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return Optional.of("no answer within 20 s");
            }
            return process.exitValue() == 0
                    ? Optional.empty()
                    : Optional.of(said.isEmpty() ? "exit code " + process.exitValue() : said.replace("\n", "; "));
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** {@code command}, to be started: inside, it may make a {@link PrivateNetwork}. */
    public ProcessBuilder around(List<String> command) {
        List<String> all = new ArrayList<>(prefix);
        all.addAll(command);
        return new ProcessBuilder(all);
    }
}
