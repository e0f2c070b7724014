-- a copy of the production database must not use its tokens, nor ask for others: the real systems might refuse those of production then
DELETE FROM connector_token;
DELETE FROM connector_authorization;
