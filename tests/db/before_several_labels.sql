BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE classes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	CONSTRAINT fk_classes_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	CONSTRAINT uq_classes_project_id_name UNIQUE (project_id, name), 
	CONSTRAINT uq_classes_project_id_position UNIQUE (project_id, position)
);
INSERT INTO "classes" VALUES(1,1,0,'boat');
INSERT INTO "classes" VALUES(2,1,1,'car');
INSERT INTO "classes" VALUES(3,1,2,'house');
INSERT INTO "classes" VALUES(4,1,3,'buoy');
CREATE TABLE drafts (
	image_id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	regions JSON NOT NULL, 
	CONSTRAINT pk_drafts PRIMARY KEY (image_id), 
	CONSTRAINT fk_drafts_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE, 
	CONSTRAINT fk_drafts_class_id FOREIGN KEY(class_id) REFERENCES classes (id) ON DELETE CASCADE
);
INSERT INTO "drafts" VALUES(7,3,0,'[{"shape": "box", "role": "look_here", "points": [[10.0, 10.0], [80.0, 90.0]], "width": null}]');
CREATE TABLE guidance (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	image_id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	look_png BLOB, 
	ignore_png BLOB, 
	revision INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT fk_guidance_class_id FOREIGN KEY(class_id) REFERENCES classes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_guidance_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE, 
	CONSTRAINT uq_guidance_image_id_class_id UNIQUE (image_id, class_id)
);
INSERT INTO "guidance" VALUES(1,1,1,X'89504E470D0A1A0A0000000D49484452000000E0000000E001000000003256574C000000FB49444154789CED93410E8240100467C5A8070EFE009FE80FF4693C8527184F6856DA03125866768C21F1A05D27A1B699A15511420821842CE214D3EB9577F8876402DC12FEA0A180267F2A00409B910500CCFA9BCD2C3A4B960F67A1637E1B29A20000603DB694D07FB81AD27E8797BC99550DF70E4E52E2DA91DE4C4F9622BBAC2C1A27D956B2EFAF775A8A98D1416E0ED9B5B618487AEC93D18C2C2EA1F3244444E49E79C00923B537D395F39909E7B9ACF59977C917D5645B2FA9E565BCD32969A3FF0E514937697FDB2BB545ABE4647F9D9CD472F96C21BB79FD8B6FB49C4CD2727C815A4BB385413E42B074C216761D8410420821847C9127F9175E80D66534560000000049454E44AE426082',NULL,1,'2026-11-29 15:00:24.781000');
INSERT INTO "guidance" VALUES(2,4,2,X'89504E470D0A1A0A0000000D49484452000000E0000000E001000000003256574C0000010549444154789CED94CD4DC3401085DF4639708B3B484A4801082CD10115D049DC112DA40E4E1C39E6820029F871B0BD1EEF4C56420209A4F75D7635DFCE8F572B034208218410420821FE05E469194866DB1701ACCAF42E96EE9C8DAC01006D2CAF6A990D0060174B1BBE304513CB161548927C0F33933FBE2A77EB50DAA81FC807E6BDBF20231B3FD72C773E3373E048CD5939B5886253CFC5F574855C7C6E5BB4DCD090EFDEBF2A73919184A489FD95817E404E2F6BF8430D70CA30994C29757105B207805B92FEC428B7E4F3B7A7ED6BF20C00A75076B9D5DC33BFEEE3E61E005E7173E79B6F1F87F5F33A28FBF236AC8773203F9EC6F27B5F35B37FA848218410BFC21763A74E4A97B1D0680000000049454E44AE426082',NULL,1,'2026-11-29 15:00:24.864000');
CREATE TABLE images (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	suffix VARCHAR(20) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	split VARCHAR(20) NOT NULL, 
	class_id INTEGER NOT NULL, 
	groups JSON NOT NULL, 
	mask_sha256 VARCHAR(64), 
	review VARCHAR(20) NOT NULL, given_position INTEGER, moved_from VARCHAR(20), 
	CONSTRAINT fk_images_class_id FOREIGN KEY(class_id) REFERENCES classes (id) ON DELETE CASCADE, 
	CONSTRAINT fk_images_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	CONSTRAINT uq_images_project_id_name UNIQUE (project_id, name)
);
INSERT INTO "images" VALUES(1,1,'train/boat/boat-sea-000.jpg','55692c91aa214472cae86c1db09f52304c6ebcf74d8a07df9c718fa77f8c1f1e','.jpg',224,224,'train',1,'{"place": "sea"}','4fa1d78362edaf9e6a94207daa4d5bee13e4605b61de93bf57b419d8d8b76b42','open',NULL,NULL);
INSERT INTO "images" VALUES(2,1,'train/boat/boat-sea-001.jpg','eb0019ee5f4f48026bb45bca85aa236e51c89bb7129ea8eada834e9b2f31b864','.jpg',224,224,'train',1,'{"place": "sea"}','1ddc0390c0a2ec2e5e0ed374cd91086568b90a80326afadc7eb0be8d8bf77f5e','open',NULL,NULL);
INSERT INTO "images" VALUES(3,1,'train/boat/boat-sea-002.jpg','99e03ed4681936ba7fa1048a4698ffa2f46022cb424d038b180f0732de0bc30a','.jpg',224,224,'train',1,'{"place": "sea"}','65a68809440760984bdb7cd34c3e3244f987a1a8102a07b01107356d4cae5ff9','open',NULL,NULL);
INSERT INTO "images" VALUES(4,1,'train/car/car-grass-003.jpg','c2b1ff8ab8d56afcc814f08f50f46790f270ddbf0751ba66648f1fb25b6bc7b5','.jpg',224,224,'train',2,'{"place": "grass"}','5080eff7e4c61a67b1cac55720af1fdc79d506148f7f599b29652d637abeeaea','open',NULL,NULL);
INSERT INTO "images" VALUES(5,1,'train/car/car-sand-004.jpg','45173fdf19eef1cc2b85ac38c89f54eb2c24b82a416209e70a9d76f9cfbdc323','.jpg',224,224,'train',2,'{"place": "sand"}','27ede0e5812deaf7581e634172ed8dde716c895ba67d3e427013f4502d8a5987','open',NULL,NULL);
INSERT INTO "images" VALUES(6,1,'train/car/car-grass-005.jpg','e6dad885dcec3afc62566083abc519418a18ecb4672de8de70d81f1aa1152a23','.jpg',224,224,'train',4,'{"place": "grass"}','021530201493fb971a6c622bea1de2e4dda6b981ac4843b7973320f086c17b19','open',1,NULL);
INSERT INTO "images" VALUES(7,1,'train/house/house-grass-006.jpg','ed678991a89c05f0b887d391758903b572ee3af101f1f1fb120ed2e5ff986461','.jpg',224,224,'train',3,'{"place": "grass"}','7c1ee46562f798c6d4aa3d7f2de44f498ef5e1996223ccb0c745b69453d429e3','open',NULL,NULL);
INSERT INTO "images" VALUES(8,1,'train/house/house-sand-007.jpg','dad43279019834effc54b591ee6863d947bd3531fa8fdd297076eac1b20c1ad1','.jpg',224,224,'train',3,'{"place": "sand"}','254453b98237f63ce40756f0a5756168f693735f1d88bf67c503bfefbd671419','skipped',NULL,NULL);
INSERT INTO "images" VALUES(9,1,'train/house/house-grass-008.jpg','f98045239de3973c410621ac3c572dddf2dbb3496bf4b9710e06f3efc4dc9ef8','.jpg',224,224,'train',3,'{"place": "grass"}','935c3b2b838868970b3fbc89e136d668d4348ef04c0502d33eeb7034472131ff','open',NULL,NULL);
INSERT INTO "images" VALUES(10,1,'train/buoy/buoy-grass-009.jpg','d21629f46ec97c78d525aa596212e734cb10feb57da38dc17b2a4bf33d08ba66','.jpg',224,224,'train',4,'{"place": "grass"}','c43f8d901b51ca4f4b533985ec471ce54a20cba0949ac881699d1bb4fce6f914','open',NULL,NULL);
INSERT INTO "images" VALUES(11,1,'train/buoy/buoy-sand-010.jpg','f359b9a83fc4458ba1aa07438b635f2106ba3942298df4cf16bf1bfd98731f77','.jpg',224,224,'train',4,'{"place": "sand"}','1755c87834db40f93eef38045d1739873da54ec9d4e8b297676452d540c12e86','open',NULL,NULL);
INSERT INTO "images" VALUES(12,1,'train/buoy/buoy-grass-011.jpg','47befd16d53b1a74980e8445572490f3ca1df03d8c9123b8c6abfc6609b25865','.jpg',224,224,'train',4,'{"place": "grass"}','54601e9bde044c65a61a501dd0fd9299276c7a2ceec3251a62d90a79371d9512','open',NULL,NULL);
INSERT INTO "images" VALUES(13,1,'validation/boat/boat-sea-012.jpg','88a3fcaf21d89d75fd9c751dc3574660e04722a05d6ed8239235986c41964a31','.jpg',224,224,'train',1,'{"place": "sea"}','9b9e32ce4edf41a2e6effe06bb20dafc88323221ed4cd4c35cd340d75dc83ccb','open',NULL,'validation');
INSERT INTO "images" VALUES(14,1,'validation/boat/boat-grass-013.jpg','69a50fe0b40af6d090cc537d98fd753fa898751e7c56416202077b31efd011ee','.jpg',224,224,'validation',1,'{"place": "grass"}','90ddad1d64603841e92c903144f1c1c015d2ca3809326a60861e02a23f14f362','open',NULL,NULL);
INSERT INTO "images" VALUES(15,1,'validation/boat/boat-sand-014.jpg','08aab771d0292538c511615a474647029ae4b077524bc73da8e37326cb743411','.jpg',224,224,'validation',1,'{"place": "sand"}','2d406d7b9517391be08e7479877d1ee4bbf42b9c549735f1e05c904925d302f0','open',NULL,NULL);
INSERT INTO "images" VALUES(16,1,'validation/car/car-sea-015.jpg','9f50df3d7a0349ce0e1388e6d473e7f4bbe14a4a03f7d50d7771176b12e4ac50','.jpg',224,224,'validation',2,'{"place": "sea"}','0377b8de44c665cad70a9a64c0cca1cecca657d6110b9d5499fc074b12241d9d','open',NULL,NULL);
INSERT INTO "images" VALUES(17,1,'validation/car/car-grass-016.jpg','6328529316ab6ef1d1cd819fc22abcffcbd0733cb7b437adae38235763bdfc56','.jpg',224,224,'validation',2,'{"place": "grass"}','b45ec53cc9932e450bfa2fe14d3096a4c93f86e21b50b7637622ff3e0d809752','open',NULL,NULL);
INSERT INTO "images" VALUES(18,1,'validation/car/car-sand-017.jpg','66878d317163e61725e3ca02afa408616dea1b47f77edd5e38c92b205ac51203','.jpg',224,224,'validation',2,'{"place": "sand"}','f362797c6f69eacbc70cbef25b3540573139f5c08957af76a7846e9353a7efac','open',NULL,NULL);
INSERT INTO "images" VALUES(19,1,'validation/house/house-sea-018.jpg','64de64820509dd6aa6ca9b6d2d86a4d3bd956d7de1f7bcf2aabe42ed0f4dc288','.jpg',224,224,'validation',3,'{"place": "sea"}','78d2958307174a68a5a56578864c39c12563bee0b9b0b02f02021e6219e9c09e','open',NULL,NULL);
INSERT INTO "images" VALUES(20,1,'validation/house/house-grass-019.jpg','5387b0f296d9a0210595a4855cd17560fbe627292761294bf484c22fa3ac7387','.jpg',224,224,'validation',3,'{"place": "grass"}','102a9ac74ab1da34dee985248b1a62081afd959a966448926c08165d367e6f35','open',NULL,NULL);
INSERT INTO "images" VALUES(21,1,'validation/house/house-sand-020.jpg','b9ad59e21d06919326a9b1366553c2be6daa21d6a46106a9b5ee4280efbe1cd8','.jpg',224,224,'validation',3,'{"place": "sand"}','fde4bd3a22dec9c544324245ce44195816c0320a5825ad9b664ec18810fb51e3','open',NULL,NULL);
INSERT INTO "images" VALUES(22,1,'validation/buoy/buoy-sea-021.jpg','0c30472cf964378a8f7e41cb5204b399b05bcd92f2c8718727882045750c6e6f','.jpg',224,224,'validation',4,'{"place": "sea"}','158ab399c9a21985374d71ee3aac4e6b370c158aec9e986ede95bb94d67dbbc9','open',NULL,NULL);
INSERT INTO "images" VALUES(23,1,'validation/buoy/buoy-grass-022.jpg','3b0f50ae90f9ac32a2f75b3bf5c2cd8c0bd7c2b679b31a4ed6b031c1395768aa','.jpg',224,224,'validation',4,'{"place": "grass"}','e9c689a44722303df346ac2bca7e98834f1495d3b141356cb8fb361ac08f9a4a','open',NULL,NULL);
INSERT INTO "images" VALUES(24,1,'validation/buoy/buoy-sand-023.jpg','28fdc09ceab5492f857c8ac2ddd96b67287d6ae218e2061ce9b01cb339b4f70e','.jpg',224,224,'validation',4,'{"place": "sand"}','9b1320858f4a3eb396735de3d89a6806375ccdce67820d188f9c37a84c21528e','open',NULL,NULL);
INSERT INTO "images" VALUES(25,1,'test/boat/boat-sea-024.jpg','01ec4311939eabe4930d02a530b129b0fe5c04bbf13bd850bd12a4c6db2766d7','.jpg',224,224,'test',1,'{"place": "sea"}','9d1d46872aa4942c366d6ff7fd0e961442eabd2e60aae47fb036118e3b328f66','open',NULL,NULL);
INSERT INTO "images" VALUES(26,1,'test/boat/boat-grass-025.jpg','4c871e925511b16158b09474a838701a6f5a384615b4f11ca28fcf8ada03ec9b','.jpg',224,224,'test',1,'{"place": "grass"}','c48f402b30181318c9706885973f146bb9d521c6e1f2d3eece2172c526ecb47d','open',NULL,NULL);
INSERT INTO "images" VALUES(27,1,'test/boat/boat-sand-026.jpg','382066311c64ae70e0c6de5d80dc5d53c5e7949c8e09507df64f4f9f105e92b4','.jpg',224,224,'test',1,'{"place": "sand"}','2664fb34946d905ff2b4f47098c627019140be32e3f6105f1e6c0575d9b61a70','open',NULL,NULL);
INSERT INTO "images" VALUES(28,1,'test/car/car-sea-027.jpg','5114f3574879adacd1a2ce04b031be3425501d776d6ecef74a51e1aacdc88bb0','.jpg',224,224,'test',2,'{"place": "sea"}','fc81d16a3ddd81a383fe8b32efd847003ed33c65dcbb55f79b9c650ffcb95f73','open',NULL,NULL);
INSERT INTO "images" VALUES(29,1,'test/car/car-grass-028.jpg','d20ebb32b410813687046d7061613d65374c5cb5c93692be4c135b1b46b0f616','.jpg',224,224,'test',2,'{"place": "grass"}','d9f80f6a295fc269cf8022259bdf2046fc5859965b755ba53fd5114dec8f99f1','open',NULL,NULL);
INSERT INTO "images" VALUES(30,1,'test/car/car-sand-029.jpg','62210bf4f8222bb4302bcb6e1a48cda24d1dfb8c00be2e819810fdd5d42bed6e','.jpg',224,224,'test',2,'{"place": "sand"}','0c1751ae5eef686e1be5d1372fe2c18ad713a5fc8da287717818cd1dfa21c056','open',NULL,NULL);
INSERT INTO "images" VALUES(31,1,'test/house/house-sea-030.jpg','92a0ebea441d2731b7a62e1735af3cf323a3294473ea16c8426e5669309e3230','.jpg',224,224,'test',3,'{"place": "sea"}','4d10b0e76e4f429b7dbcc05a9a82a0a516e224684e842ad19ab5b6be443a02ed','open',NULL,NULL);
INSERT INTO "images" VALUES(32,1,'test/house/house-grass-031.jpg','261151a1d87589a05d86af302dc0a22fbcfce06ff7de3b4442b2f311f3d237b6','.jpg',224,224,'test',3,'{"place": "grass"}','8d92233a62b806cce5051e426f5f42b05820ac3fe77d6910492b93b81708e9be','open',NULL,NULL);
INSERT INTO "images" VALUES(33,1,'test/house/house-sand-032.jpg','1f4e160cfb56f5ea54287083e056484a777ba4dd1b8f3eef5b588ffd08e24c14','.jpg',224,224,'test',3,'{"place": "sand"}','1eda75fa88ebfc5345707e8f24119745a276609ca29b8fb1a272b269473b2348','open',NULL,NULL);
INSERT INTO "images" VALUES(34,1,'test/buoy/buoy-sea-033.jpg','4c3a45b56316222759221c1ee1b5c96fb1b7f93bc1c376305f89c472e1cd197a','.jpg',224,224,'test',4,'{"place": "sea"}','f453eefcbcadefbd2b3ec9e8ff86c0a318ce3e02d240df30ecfdf787e2a1baec','open',NULL,NULL);
INSERT INTO "images" VALUES(35,1,'test/buoy/buoy-grass-034.jpg','5b5598fc7216779a66e006e8f73f6bcb12f471df51cb6b895d6593d9a542ae42','.jpg',224,224,'test',4,'{"place": "grass"}','4b60f724890da5906bf9efbeefaa7a1d2470bf1c3b047349a0a4ffe7bd304316','open',NULL,NULL);
INSERT INTO "images" VALUES(36,1,'test/buoy/buoy-sand-035.jpg','9d8d2120071483492e5774a38e1a1815c268dcf022ecad59f2b126d8bd9b6d88','.jpg',224,224,'test',4,'{"place": "sand"}','344f06e41968ed746256ed02f3657a7c035c3fe15e1a724288274e07436559d5','open',NULL,NULL);
CREATE TABLE model_versions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	run_id INTEGER, 
	parent_id INTEGER, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	note TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_model_versions_parent_id FOREIGN KEY(parent_id) REFERENCES model_versions (id) ON DELETE SET NULL, 
	CONSTRAINT fk_model_versions_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE, 
	CONSTRAINT fk_model_versions_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE SET NULL, 
	CONSTRAINT uq_model_versions_project_id_number UNIQUE (project_id, number), 
	CONSTRAINT uq_model_versions_run_id UNIQUE (run_id)
);
INSERT INTO "model_versions" VALUES(1,1,1,1,NULL,'runs/1/1/model.safetensors','abababababababababababababababababababababababababababababababab','First model','2026-11-29 15:00:24.676000');
INSERT INTO "model_versions" VALUES(2,1,2,2,1,'runs/2/1/model.safetensors','abababababababababababababababababababababababababababababababab','First model','2026-11-29 15:00:25.001000');
CREATE TABLE predictions (
	version_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	predicted INTEGER NOT NULL, 
	probabilities JSON NOT NULL, 
	attention_inside FLOAT, 
	attention_spread FLOAT, evidence_inside FLOAT, evidence_group INTEGER, label INTEGER DEFAULT '0' NOT NULL, label_rival INTEGER, label_doubt FLOAT, control_predicted INTEGER, 
	CONSTRAINT pk_predictions PRIMARY KEY (version_id, image_id), 
	CONSTRAINT fk_predictions_image_id FOREIGN KEY(image_id) REFERENCES images (id) ON DELETE CASCADE, 
	CONSTRAINT fk_predictions_version_id FOREIGN KEY(version_id) REFERENCES model_versions (id) ON DELETE CASCADE
);
INSERT INTO "predictions" VALUES(1,1,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,2,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,3,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,4,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,5,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,6,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,7,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,8,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,9,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,0,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,10,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,11,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,12,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,1,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,13,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,14,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,15,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,16,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,17,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,18,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,19,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,20,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,21,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,0,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,22,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,23,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,24,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,1,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,25,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,26,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,27,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,28,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,29,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,30,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,31,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,32,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,33,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,2,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,34,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,35,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(1,36,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,3,NULL,NULL,NULL);
INSERT INTO "predictions" VALUES(2,1,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,2,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,3,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,4,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,5,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,6,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,7,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,8,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,9,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,0,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,10,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,11,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,12,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,1,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,13,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,14,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,15,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,0,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,16,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,17,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,0,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,18,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,1,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,19,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,20,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,1,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,21,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,0,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,22,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,1,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,23,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,0,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,24,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,1,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,25,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,26,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,27,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,0,NULL,NULL,0);
INSERT INTO "predictions" VALUES(2,28,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,29,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,30,1,'[0.1, 0.7, 0.1, 0.1]',0.5,0.25,0.125,NULL,1,NULL,NULL,1);
INSERT INTO "predictions" VALUES(2,31,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,32,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,33,2,'[0.1, 0.1, 0.7, 0.1]',0.5,0.25,0.125,NULL,2,NULL,NULL,2);
INSERT INTO "predictions" VALUES(2,34,0,'[0.7, 0.1, 0.1, 0.1]',0.5,0.25,0.125,NULL,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,35,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,3,NULL,NULL,3);
INSERT INTO "predictions" VALUES(2,36,3,'[0.1, 0.1, 0.1, 0.7]',0.5,0.25,0.125,NULL,3,NULL,NULL,3);
CREATE TABLE projects (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(200) NOT NULL, 
	source VARCHAR(20) NOT NULL, 
	backbone VARCHAR(200) NOT NULL, 
	image_size INTEGER NOT NULL, 
	current_version_id INTEGER, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT fk_projects_current_version_id FOREIGN KEY(current_version_id) REFERENCES model_versions (id) ON DELETE SET NULL, 
	CONSTRAINT uq_projects_name UNIQUE (name)
);
INSERT INTO "projects" VALUES(1,'Harbour demo','demo','tf_efficientnet_lite0',224,2,'2026-11-29 15:00:23.129000');
CREATE TABLE refusals (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT fk_refusals_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
CREATE TABLE regions (
	guidance_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	shape VARCHAR(20) NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	points JSON NOT NULL, 
	width FLOAT, 
	CONSTRAINT pk_regions PRIMARY KEY (guidance_id, position), 
	CONSTRAINT fk_regions_guidance_id FOREIGN KEY(guidance_id) REFERENCES guidance (id) ON DELETE CASCADE
);
INSERT INTO "regions" VALUES(1,0,'polygon','look_here','[[97.0, 64.0], [110.0, 64.0], [109.0, 84.0], [127.0, 85.0], [127.0, 89.0], [124.0, 89.0], [125.0, 107.0], [146.0, 107.0], [144.0, 111.0], [145.0, 113.0], [142.0, 116.0], [136.0, 131.0], [62.0, 129.0], [53.0, 118.0], [49.0, 110.0], [49.0, 107.0], [46.0, 104.0], [44.0, 96.0], [59.0, 99.0], [59.0, 92.0], [54.0, 91.0], [52.0, 89.0], [62.0, 86.0], [61.0, 100.0], [66.0, 101.0], [72.0, 88.0], [72.0, 86.0], [70.0, 86.0], [71.0, 82.0], [96.0, 83.0], [95.0, 106.0], [93.0, 106.0], [93.0, 107.0], [95.0, 107.0], [95.0, 106.0], [96.0, 83.0]]',NULL);
INSERT INTO "regions" VALUES(2,0,'polygon','look_here','[[88.0, 121.0], [128.0, 122.0], [136.0, 138.0], [136.0, 141.0], [152.0, 141.0], [153.0, 143.0], [158.0, 145.0], [159.0, 165.0], [147.0, 166.0], [147.0, 169.0], [144.0, 173.0], [142.0, 170.0], [141.0, 176.0], [140.0, 173.0], [139.0, 176.0], [136.0, 175.0], [138.0, 174.0], [138.0, 171.0], [136.0, 171.0], [136.0, 173.0], [134.0, 172.0], [134.0, 176.0], [133.0, 174.0], [132.0, 176.0], [130.0, 176.0], [129.0, 171.0], [128.0, 175.0], [128.0, 171.0], [125.0, 172.0], [122.0, 165.0], [105.0, 164.0], [87.0, 164.0], [87.0, 168.0], [85.0, 169.0], [85.0, 171.0], [79.0, 173.0], [79.0, 172.0], [80.0, 172.0], [80.0, 171.0], [79.0, 171.0], [79.0, 172.0], [79.0, 173.0], [78.0, 175.0], [75.0, 170.0], [73.0, 172.0], [73.0, 175.0], [68.0, 173.0], [64.0, 169.0], [63.0, 163.0], [52.0, 163.0], [52.0, 144.0], [54.0, 144.0], [57.0, 140.0], [74.0, 139.0], [77.0, 136.0], [77.0, 134.0], [82.0, 130.0], [82.0, 128.0], [87.0, 124.0]]',NULL);
INSERT INTO "regions" VALUES(2,1,'polygon','look_here','[[74.0, 172.0], [75.0, 172.0], [75.0, 174.0], [74.0, 174.0]]',NULL);
CREATE TABLE run_events (
	run_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	payload JSON NOT NULL, 
	CONSTRAINT pk_run_events PRIMARY KEY (run_id, attempt, seq), 
	CONSTRAINT fk_run_events_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "run_events" VALUES(1,1,0,'{"event": "step", "step": 1, "total": 1, "losses": {"total": 0.5}, "seconds": 0.1}');
INSERT INTO "run_events" VALUES(2,1,0,'{"event": "step", "step": 1, "total": 1, "losses": {"total": 0.5}, "seconds": 0.1}');
CREATE TABLE runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id INTEGER NOT NULL, 
	mode VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	config JSON NOT NULL, 
	base_version_id INTEGER, 
	attempt INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	progress JSON NOT NULL, 
	message TEXT, 
	worker VARCHAR(200), 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	lease_token VARCHAR(64), 
	lease_until DATETIME, 
	CONSTRAINT fk_runs_base_version_id FOREIGN KEY(base_version_id) REFERENCES model_versions (id) ON DELETE SET NULL, 
	CONSTRAINT fk_runs_project_id FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "runs" VALUES(1,1,'quick','published','{"mode": "quick", "form": "none", "seed": 0, "steps": 60, "sampling": "balanced", "batch_size": 32, "guided_batch_size": 16, "optimizer": "adamw", "learning_rate": 0.001, "learning_rate_decay": "none", "weight_decay": 0.0001, "momentum": 0.9, "train_norms": false, "label_weight": 0.3, "inside_weight": 1.0, "outside_weight": 3.0, "composite_weight": 0.0, "background_weight": 0.0, "composite_batch_size": 16, "composites_per_region": 8, "l2_sp_weight": 0.0, "mining_weight": 1.0, "external_weight": 10.0, "calibrate": false, "signed_weight": 100.0, "mask_sigma": 0.5, "mask_omega": 10.0, "mask_place": "image", "map_scale": "max", "detach_scale": true, "mining_score": "probability", "external_resolution": "map", "second_order": true, "smallest_crop": 0.35, "horizontal_flip": true, "colour_jitter": 0.4, "loader_workers": 0, "autocast_bf16": false, "validate_every": 20, "checkpoint_every": 20, "threads": 0}',NULL,1,3,0,'{"event": "step", "step": 1, "total": 1, "losses": {"total": 0.5}, "seconds": 0.1}',NULL,'tester','2026-11-29 15:00:24.555000','2026-11-29 15:00:24.608000','2026-11-29 15:00:24.663000',NULL,NULL);
INSERT INTO "runs" VALUES(2,1,'quick','published','{"mode": "quick", "form": "guided", "seed": 0, "steps": 60, "sampling": "balanced", "batch_size": 32, "guided_batch_size": 16, "optimizer": "adamw", "learning_rate": 0.001, "learning_rate_decay": "cosine", "weight_decay": 0.0001, "momentum": 0.9, "train_norms": false, "label_weight": 0.3, "inside_weight": 0.0, "outside_weight": 3.0, "composite_weight": 1.0, "background_weight": 1.0, "composite_batch_size": 16, "composites_per_region": 8, "l2_sp_weight": 0.1, "mining_weight": 1.0, "external_weight": 10.0, "calibrate": true, "signed_weight": 100.0, "mask_sigma": 0.5, "mask_omega": 10.0, "mask_place": "image", "map_scale": "max", "detach_scale": true, "mining_score": "probability", "external_resolution": "map", "second_order": true, "smallest_crop": 0.35, "horizontal_flip": true, "colour_jitter": 0.4, "loader_workers": 0, "autocast_bf16": false, "validate_every": 20, "checkpoint_every": 20, "threads": 0}',1,1,3,0,'{"event": "step", "step": 1, "total": 1, "losses": {"total": 0.5}, "seconds": 0.1}',NULL,'tester','2026-11-29 15:00:24.953000','2026-11-29 15:00:24.978000','2026-11-29 15:00:25.000000',NULL,NULL);
INSERT INTO "runs" VALUES(3,1,'quick','queued','{"steps": 60}',1,0,3,0,'{}',NULL,NULL,'2026-11-29 15:00:25.010000',NULL,NULL,NULL,NULL);
CREATE INDEX ix_refusals_project_id ON refusals (project_id);
CREATE INDEX ix_runs_project_id ON runs (project_id);
CREATE UNIQUE INDEX uq_runs_active ON runs (project_id, status) WHERE status IN ('queued', 'running');
CREATE INDEX ix_images_class_id ON images (class_id);
CREATE INDEX ix_images_project_id_split ON images (project_id, split);
CREATE INDEX ix_guidance_class_id ON guidance (class_id);
CREATE INDEX ix_predictions_image_id ON predictions (image_id);
CREATE INDEX ix_drafts_class_id ON drafts (class_id);
COMMIT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('projects',2);
INSERT INTO sqlite_sequence VALUES('classes',8);
INSERT INTO sqlite_sequence VALUES('images',72);
INSERT INTO sqlite_sequence VALUES('runs',3);
INSERT INTO sqlite_sequence VALUES('model_versions',2);
INSERT INTO sqlite_sequence VALUES('guidance',2);
