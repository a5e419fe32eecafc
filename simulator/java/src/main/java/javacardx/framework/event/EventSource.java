package javacardx.framework.event;

/** What gives events; Java Card API 3.1. */
public interface EventSource {
}
