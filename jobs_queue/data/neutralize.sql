-- no job runs until somebody says that this is the production database
UPDATE ir_config_parameter
   SET value = 'neutralized'
 WHERE key = 'jobs_queue.database';
