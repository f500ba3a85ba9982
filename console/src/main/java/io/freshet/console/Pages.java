// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the requests of one HTTP connection. Confined to the console's event loop. */
final class Pages extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final Logger LOG = LoggerFactory.getLogger(Pages.class);

    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String HTML = "text/html; charset=utf-8";
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
    private static final String INDEX = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Freshet</title></head><body>
            <h1>Freshet</h1>
            <ul>
            <li><a href="/livez">/livez</a>: whether the process is alive</li>
            <li><a href="/readyz">/readyz</a>: whether it takes traffic, or why not</li>
            <li><a href="/metrics">/metrics</a>: metrics for Prometheus</li>
            </ul></body></html>
            """;

    private final HealthSource health;
    private final Supplier<String> metrics;

    Pages(HealthSource health, Supplier<String> metrics) {
        this.health = health;
        this.metrics = metrics;
    }

    private record Page(HttpResponseStatus status, String type, String text) {
        static Page text(HttpResponseStatus status, String text) {
            return new Page(status, TEXT, text + "\n");
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        if (request.decoderResult().isFailure()) {
            send(ctx, Page.text(HttpResponseStatus.BAD_REQUEST, "bad request"), false, false);
            return;
        }
        boolean headOnly = request.method().equals(HttpMethod.HEAD);
        Page page;
        try {
            page = page(request, headOnly);
        } catch (RuntimeException e) {
            LOG.error("HTTP {} {} failed", request.method(), request.uri(), e);
            page = Page.text(HttpResponseStatus.INTERNAL_SERVER_ERROR, "internal error; see the server's log");
        }
        send(ctx, page, headOnly, HttpUtil.isKeepAlive(request));
    }

    private Page page(FullHttpRequest request, boolean headOnly) {
        Page page = switch (new QueryStringDecoder(request.uri()).path()) {
            case "/" -> new Page(HttpResponseStatus.OK, HTML, INDEX);
            case "/livez" -> live();
            case "/readyz" -> ready();
            case "/metrics" -> new Page(HttpResponseStatus.OK, PROMETHEUS, metrics.get());
            default -> Page.text(HttpResponseStatus.NOT_FOUND, "not found; / lists what is here");
        };
        if (!page.status().equals(HttpResponseStatus.NOT_FOUND)
                && !headOnly
                && !request.method().equals(HttpMethod.GET)) {
            return Page.text(HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
        }
        return page;
    }

    private Page live() {
        return health.isLive()
                ? Page.text(HttpResponseStatus.OK, "ok")
                : Page.text(HttpResponseStatus.SERVICE_UNAVAILABLE, "not live; restart this process");
    }

    private Page ready() {
        List<String> reasons = health.notReadyReasons();
        return reasons.isEmpty()
                ? Page.text(HttpResponseStatus.OK, "ok")
                : Page.text(HttpResponseStatus.SERVICE_UNAVAILABLE, String.join("\n", reasons));
    }

    private static void send(ChannelHandlerContext ctx, Page page, boolean headOnly, boolean keepAlive) {
        byte[] bytes = page.text().getBytes(StandardCharsets.UTF_8);
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                page.status(),
                headOnly ? ctx.alloc().buffer(0) : ByteBufUtil.writeUtf8(ctx.alloc(), page.text()));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, page.type())
                .set(HttpHeaderNames.CONTENT_LENGTH, bytes.length)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .set("X-Content-Type-Options", "nosniff");
        if (page.status().equals(HttpResponseStatus.METHOD_NOT_ALLOWED)) {
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
        }
        HttpUtil.setKeepAlive(response, keepAlive);
        var written = ctx.writeAndFlush(response);
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("An HTTP connection broke", cause);
        ctx.close();
    }
}
