-- What is taken down, the last first: few of many.
CREATE INDEX conversation_taken_down ON conversation (taken_down_at, id) WHERE taken_down_at IS NOT NULL;
CREATE INDEX share_link_taken_down ON share_link (taken_down_at, id) WHERE taken_down_at IS NOT NULL;
