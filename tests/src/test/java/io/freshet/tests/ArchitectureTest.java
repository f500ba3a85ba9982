// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rules of docs/architecture.md as checks. Each failure says why the rule is there. */
class ArchitectureTest {
    /** Module to the modules that it may import. */
    private static final Map<String, Set<String>> ARROWS = Map.of(
            "common", Set.of(),
            "objectstore", Set.of("common"),
            "wal", Set.of("common", "objectstore"),
            "storage", Set.of("common", "objectstore", "wal"),
            "metadata", Set.of("common"),
            "protocol", Set.of("common"),
            "console", Set.of("common"),
            "broker", Set.of("common", "objectstore", "wal", "storage", "metadata", "protocol", "console"));

    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("/io/freshet/tests/"))
            .importPackages("io.freshet");

    private static final Set<String> FORBIDDEN_CALLS = Set.of(
            "java.lang.System.currentTimeMillis",
            "java.lang.System.nanoTime",
            "java.lang.Math.random",
            "java.lang.Thread.<init>",
            "java.lang.Thread.sleep",
            "java.util.Random.<init>",
            "java.util.UUID.randomUUID",
            "java.util.Timer.<init>",
            "java.security.SecureRandom.<init>",
            "java.util.concurrent.ThreadLocalRandom.current",
            "java.util.concurrent.ForkJoinPool.<init>",
            "java.util.concurrent.ForkJoinPool.commonPool",
            "java.util.concurrent.ThreadPoolExecutor.<init>",
            "java.util.concurrent.ScheduledThreadPoolExecutor.<init>",
            "java.time.Instant.now",
            "java.time.Clock.systemUTC");

    private static final Set<String> BLOCKING_CALLS = Set.of(
            "java.util.concurrent.CompletableFuture.get",
            "java.util.concurrent.CompletableFuture.join",
            "java.util.concurrent.Future.get",
            "java.util.concurrent.CountDownLatch.await",
            "java.lang.Thread.join");

    @TestFactory
    List<DynamicTest> modulesImportOnlyWhatTheGraphAllows() {
        return new TreeSet<>(ARROWS.keySet())
                .stream()
                        .map(module -> DynamicTest.dynamicTest(module, () -> {
                            String[] others = ARROWS.keySet().stream()
                                    .filter(other -> !other.equals(module))
                                    .filter(other -> !ARROWS.get(module).contains(other))
                                    .map(other -> "io.freshet." + other + "..")
                                    .toArray(String[]::new);
                            if (others.length > 0) {
                                noClasses()
                                        .that()
                                        .resideInAPackage("io.freshet." + module + "..")
                                        .should()
                                        .dependOnClassesThat()
                                        .resideInAnyPackage(others)
                                        .because("the module graph keeps storage, quorum and network replaceable")
                                        .check(PRODUCT);
                            }
                        }))
                        .toList();
    }

    @Test
    void modulesHaveNoCycles() {
        slices().matching("io.freshet.(*)..").should().beFreeOfCycles().check(PRODUCT);
    }

    @Test
    void timeRandomnessAndThreadsComeInThroughTheRuntimePorts() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.freshet.common.runtime..", "io.freshet.broker.cli..")
                .should(callOneOf(FORBIDDEN_CALLS, Set.of()))
                .because(
                        "one seed must be able to replay everything: take Clock, Scheduler, Randomness or an executor instead")
                .check(PRODUCT);
    }

    @Test
    void nothingBlocksOutsideStartAndStop() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "io.freshet.common.runtime..", "io.freshet.broker.cli..", "io.freshet.broker.server..")
                .should(callOneOf(BLOCKING_CALLS, Set.of("close")))
                .because("a blocked event loop or metadata thread stops every client; compose futures instead")
                .check(PRODUCT);
    }

    @Test
    void nettyStaysInTheNetworkModules() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.freshet.protocol..", "io.freshet.console..", "io.freshet.objectstore.s3..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.netty..")
                .because("buffers cross modules as SharedBytes; reference counts of Netty stay behind it")
                .check(PRODUCT);
    }

    @Test
    void theAwsSdkStaysInTheS3Store() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.freshet.objectstore.s3..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("software.amazon..")
                .because("other stores must not pay for S3's client, and its errors are mapped in one place")
                .check(PRODUCT);
    }

    @Test
    void kafkasServerLibrariesStayWhereTheyAreBridged() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.freshet.broker..", "io.freshet.metadata..", "org.apache.kafka..")
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        "org.apache.kafka.server..",
                        "org.apache.kafka.raft..",
                        "org.apache.kafka.metadata..",
                        "org.apache.kafka.image..",
                        "org.apache.kafka.storage..",
                        "org.apache.kafka.coordinator..",
                        "org.apache.kafka.controller.."))
                .because("Kafka's internals change between releases: one place to mend")
                .check(PRODUCT);
    }

    @Test
    void raftsTypesStayInTheMetadataModule() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.freshet.metadata..", "io.freshet.broker.config..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.kafka.raft..")
                .because("the consensus engine stays replaceable behind MetadataLog")
                .check(PRODUCT);
    }

    @Test
    void staticsAreConstants() {
        fields().that()
                .areStatic()
                .and()
                .areDeclaredInClassesThat(
                        describe("are ours", type -> type.getPackageName().startsWith("io.freshet")))
                .should(beFinal())
                .because("a mutable static ties every test and every simulated broker in a process together")
                .check(PRODUCT);
    }

    @Test
    void onlyTheCommandLinePrints() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.freshet.broker.cli..")
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .because("a server's words go to its log, where levels and time stamps are")
                .check(PRODUCT);
    }

    private static ArchCondition<JavaField> beFinal() {
        return new ArchCondition<>("be final") {
            @Override
            public void check(JavaField field, ConditionEvents events) {
                boolean fine = field.getModifiers().contains(JavaModifier.FINAL)
                        || field.getModifiers().contains(JavaModifier.SYNTHETIC);
                events.add(new SimpleConditionEvent(field, fine, field.getFullName() + " is a mutable static"));
            }
        };
    }

    /** @param exempt names of methods in which the calls are allowed */
    private static ArchCondition<com.tngtech.archunit.core.domain.JavaClass> callOneOf(
            Set<String> calls, Set<String> exempt) {
        return new ArchCondition<>("call one of " + new TreeSet<>(calls)) {
            @Override
            public void check(com.tngtech.archunit.core.domain.JavaClass type, ConditionEvents events) {
                type.getCodeUnits().stream()
                        .filter(unit -> !exempt.contains(unit.getName()))
                        .flatMap(unit -> unit.getCallsFromSelf().stream())
                        .filter(call -> calls.contains(nameOf(call)))
                        .forEach(call -> events.add(SimpleConditionEvent.satisfied(call, call.getDescription())));
            }
        };
    }

    private static String nameOf(JavaCall<?> call) {
        return call.getTargetOwner().getFullName() + "." + call.getTarget().getName();
    }
}
