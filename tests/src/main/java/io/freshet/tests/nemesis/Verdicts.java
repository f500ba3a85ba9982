// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.checker.Anomaly;
import io.freshet.tests.checker.Checker;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints what a run has shown. */
public final class Verdicts {
    private Verdicts() {}

    /** The result table; {@code clientErrors} and {@code problems} as the workload and the nemesis gave them. */
    public static void print(
            PrintStream out, Checker.Verdict verdict, Map<String, Long> clientErrors, List<String> problems) {
        out.println(verdict.totals());
        if (!clientErrors.isEmpty()) {
            out.println("errors that clients met: " + clientErrors);
        }
        out.printf("%n%-24s %10s  %s%n", "anomaly", "count", "meaning");
        for (Anomaly anomaly : Anomaly.values()) {
            out.printf(
                    Locale.ROOT,
                    "%-24s %10d  %s%n",
                    anomaly.title(),
                    verdict.findings().count(anomaly),
                    anomaly.meaning());
        }
        for (Anomaly anomaly : verdict.findings().kinds()) {
            verdict.findings().of(anomaly).forEach(line -> out.println(anomaly.title() + ": " + line));
        }
        problems.forEach(problem -> out.println("PROBLEM: " + problem));
        out.println(verdict.isGood() && problems.isEmpty() ? "GOOD" : "BAD");
        out.flush();
    }
}
