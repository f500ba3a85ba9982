// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** Keeps what is logged as an error in this process while it is open. */
final class CapturedLog extends AbstractAppender implements AutoCloseable {
    private final List<String> errors = new CopyOnWriteArrayList<>();
    private final LoggerContext context = (LoggerContext) LogManager.getContext(false);

    CapturedLog() {
        super("captured", null, null, true, Property.EMPTY_ARRAY);
        start();
        context.getConfiguration().getRootLogger().addAppender(this, Level.ERROR, null);
        context.updateLoggers();
    }

    @Override
    public void append(LogEvent event) {
        if (errors.size() < 100) {
            Throwable thrown = event.getThrown();
            StringBuilder line = new StringBuilder(
                    event.getLoggerName() + ": " + event.getMessage().getFormattedMessage());
            for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                line.append("\n  ").append(cause);
                StackTraceElement[] trace = cause.getStackTrace();
                for (int i = 0; i < Math.min(8, trace.length); i++) {
                    line.append("\n    at ").append(trace[i]);
                }
            }
            errors.add(line.toString());
        }
    }

    List<String> errors() {
        return errors;
    }

    @Override
    public void close() {
        context.getConfiguration().getRootLogger().removeAppender(getName());
        context.updateLoggers();
        stop();
    }
}
